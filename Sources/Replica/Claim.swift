public import SoftadastraSync

/// What goes along with the last batch of a feed: what this node has, as it was when the feed was read.
public struct Claim: Sendable {
  public let watermark: Watermark
  /// `WithheldWatermarks.mark`, then. Where entries were taken back since, the batch or one before it goes without them.
  let mark: UInt64?
}
