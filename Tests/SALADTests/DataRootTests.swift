import Testing

@testable import SALAD

@Suite("Data sets on several hosts")
struct DataRootTests {
  @Test(
    "Each rank has its own folder for rank 0's",
    arguments: [
      ("/a/chest", "/a/chest", "/b/copy", "/b/copy"), ("/a/chest", "/a/chest/", "/b/copy//", "/b/copy"),
      ("/a/chest", "/a/chest", "/a/chest", "/a/chest"), ("/a/MURA-v1.1", "/a", "/b/c", "/b/c/MURA-v1.1"),
      ("/a/chest", "/a/chest/table.csv", "/b/copy/table.csv", "/b/copy"),
    ])
  func roots(root: String, path: String, mine: String, expected: String) {
    #expect(ListedImages.root(root, of: path, here: mine) == expected)
  }
}
