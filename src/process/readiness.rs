//! Descriptors that the runtime waits for.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::link::Link;

/// Something that owns one descriptor, and keeps it open and the same for as long as it lives.
pub(crate) trait OwnsDescriptor: std::os::fd::AsRawFd {}

impl OwnsDescriptor for OwnedFd {}
impl OwnsDescriptor for Link {}

/// Has the current runtime wait for a descriptor.
///
/// # Errors
/// If it is of a kind that cannot be waited for, such as a file.
#[expect(unsafe_code, reason = "tokio wants the promise that the descriptor stays what it is")]
pub(crate) fn register<T: OwnsDescriptor>(owner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: only types that own their descriptor, and neither replace nor close it, are `OwnsDescriptor`.
    let registered = unsafe { AsyncFd::register_with_interest(owner, interest) };
    Ok(registered?)
}
