import ArgumentParser
import Platform
import SALAD

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look over the hosts, ranks, folders and data of a job before it begins.",
    discussion: """
      A row a rank - host, cores, workers, memory, speed, clock, disk - then what they have in common or differ in, and \
      what is wrong in words. Start it as the job shall be started: by the same mpirun, hosts and options.

        salad doctor
        mpirun --hostfile hosts salad doctor --run /shared/run --data /data/chest

      A probe file is written to RUN and removed; every training image of DATA is read once. Measured are a sum over all \
      ranks (8 bytes, 64 MB), a matrix product on all workers, and with --run writing 32 MB a rank to the disk.

      Where ranks cannot reach each other it ends after --timeout seconds, 120 unless given, and names what it waited for.

      It ends with 0 when nothing is wrong, whatever it notes; 64: ranks are started otherwise than they should be, or \
      differ (binding, interfaces, versions, instruction sets); 65: data that cannot be read, or differs; 70: wrong sums; \
      74: a run folder that is not shared or not writable, limits that are too low, clocks apart.
      """)

  @Option(
    name: .customLong("run"), help: ArgumentHelp("A run's folder to try; it need not be there.", valueName: "dir"))
  var folder: String?

  @Option(help: ArgumentHelp("A data set to read.", valueName: "dir"))
  var data: String?

  @OptionGroup(title: "Which images") var selection: DataOptions

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @OptionGroup var work: WorkOptions

  func run() throws {
    Launch.onAllRanks(timeout: work.timeout ?? 120, writes: false) { session in
      let examination = Examination(
        communicator: session.communicator, watchdog: session.watchdog, host: session.host)
      let report = DoctorReport(
        ranks: try examination.reports(  // all ranks
          run: folder, data: selection.request(data), workers: session.workers(work.workers),
          wanted: work.workers ?? session.host.workers))
      if session.communicator.isRoot { try Console.output(json ? report.line() : report.text()) }
      return report.status
    }
  }
}
