@main struct Ranks { static func main() {} }
