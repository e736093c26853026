import Testing

/// Real processes, real sockets, real folders: checked from outside, with what the command line promises.
///
/// One test at a time: each runs two nodes, and some measure what a machine can do.
@Suite(.serialized) struct Integration {}
