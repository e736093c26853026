import Glibc
import SoftadastraCore
import Testing

/// What a failed system call means for people: the reasons that `status` shows.
@Suite struct ErrnoTests {
  @Test(arguments: [
    (ENOSPC, "no-space"), (EDQUOT, "quota"), (EROFS, "read-only"), (EACCES, "permission"), (EPERM, "permission"),
    (EMFILE, "too-many-files"), (ENFILE, "too-many-files"), (EIO, "device"), (ENOMEM, "limit"), (ENOENT, "not-found"),
  ])
  func reasons(_ number: Int32, _ reason: String) {
    let error = SoftadastraError.system(number, "cannot write", at: "x")
    #expect(error.code.rawValue == reason)
    #expect(error.isRetryable == (number != ENOENT))
  }
}
