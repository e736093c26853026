internal import SoftadastraCore

/// One file of the log, as the log knows it.
final class Segment: Sendable {
  let name: String
  let header: SegmentHeader
  let file: any DiskFile
  /// Known to be incomplete: left as it is, for people to look at.
  let isDamaged: Bool

  init(name: String, header: SegmentHeader, file: any DiskFile, isDamaged: Bool = false) {
    self.name = name
    self.header = header
    self.file = file
    self.isDamaged = isDamaged
  }

  var first: UInt64 { header.first }
}
