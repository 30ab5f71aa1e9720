//! A message stream with descriptors over a Unix socket.
//!
//! Owns framing: a length of four bytes, little-endian, then JSON; descriptors travel with the first byte of
//! their message. Never blocks: whoever uses it waits for readiness in its own way.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A message may be this long: an environment fits many times, a mistake does not take the memory.
const LONGEST: usize = 16 << 20;
/// Messages waiting to be sent may take this much together. Policy: whoever queues more has lost its peer.
const MOST_QUEUED: usize = 32 << 20;
/// Descriptors that one message may carry.
const MOST_FDS: usize = 4;
const CHUNK: usize = 4096;

/// One end of the stream.
#[derive(Debug)]
pub(crate) struct Link {
    socket: UnixStream,
    inbox: Vec<u8>,
    received_fds: VecDeque<OwnedFd>,
    outbox: VecDeque<Outgoing>,
    queued: usize,
}

#[derive(Debug)]
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    fds: Vec<OwnedFd>,
}

/// Whether the peer is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// It may send more.
    Open,
    /// It closed its end, or died.
    Gone,
}

impl Link {
    /// Takes over one end of a stream socket.
    ///
    /// # Errors
    /// If the socket cannot be made non-blocking.
    pub(crate) fn new(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            inbox: Vec::new(),
            received_fds: VecDeque::new(),
            outbox: VecDeque::new(),
            queued: 0,
        })
    }

    /// Queues a message and the descriptors that go with it.
    ///
    /// # Errors
    /// If too much is queued already, or the message is too long.
    pub(crate) fn queue(&mut self, message: &impl Serialize, fds: Vec<OwnedFd>) -> io::Result<()> {
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, message)?;
        let length = bytes.len() - 4;
        if length > LONGEST || self.queued + length > MOST_QUEUED || fds.len() > MOST_FDS {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "the message or the queue is too long"));
        }
        bytes[..4].copy_from_slice(&(length as u32).to_le_bytes());
        self.queued += bytes.len();
        self.outbox.push_back(Outgoing { bytes, sent: 0, fds });
        Ok(())
    }

    /// True if something is queued.
    pub(crate) fn wants_to_write(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Sends as much as the socket takes. A peer that is gone takes everything: reading will tell.
    ///
    /// # Errors
    /// If the socket fails in another way.
    pub(crate) fn write_some(&mut self) -> io::Result<()> {
        while let Some(first) = self.outbox.front_mut() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            let borrowed: Vec<BorrowedFd<'_>> = first.fds.iter().map(AsFd::as_fd).collect();
            if !borrowed.is_empty() {
                ancillary.push(SendAncillaryMessage::ScmRights(&borrowed));
            }
            let rest = [IoSlice::new(&first.bytes[first.sent..])];
            match rustix::net::sendmsg(&self.socket, &rest, &mut ancillary, SendFlags::NOSIGNAL) {
                Ok(n) => {
                    drop(borrowed);
                    first.fds.clear();
                    first.sent += n;
                    if first.sent == first.bytes.len() {
                        self.queued -= first.bytes.len();
                        self.outbox.pop_front();
                    }
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => {
                    self.outbox.clear();
                    self.queued = 0;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Takes in what has come, without waiting.
    ///
    /// # Errors
    /// If the socket fails.
    pub(crate) fn read_some(&mut self) -> io::Result<Peer> {
        loop {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let mut chunk = [0; CHUNK];
            let mut into = [IoSliceMut::new(&mut chunk)];
            let flags = if cfg!(target_os = "linux") { RecvFlags::CMSG_CLOEXEC } else { RecvFlags::empty() };
            let received = rustix::net::recvmsg(&self.socket, &mut into, &mut ancillary, flags);
            for message in ancillary.drain() {
                if let RecvAncillaryMessage::ScmRights(fds) = message {
                    self.received_fds.extend(fds);
                }
            }
            match received {
                Ok(message) if message.bytes == 0 => return Ok(Peer::Gone),
                Ok(message) => self.inbox.extend_from_slice(&chunk[..message.bytes]),
                Err(rustix::io::Errno::AGAIN) => return Ok(Peer::Open),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::CONNRESET) => return Ok(Peer::Gone),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The next whole message, if one has come.
    ///
    /// # Errors
    /// If what came is no message of this type.
    pub(crate) fn next<M: DeserializeOwned>(&mut self) -> io::Result<Option<M>> {
        let Some(header) = self.inbox.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*header) as usize;
        if length > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message longer than any may be"));
        }
        let Some(body) = self.inbox.get(4..4 + length) else { return Ok(None) };
        let message = serde_json::from_slice(body)?;
        self.inbox.drain(..4 + length);
        if self.inbox.is_empty() {
            // A large first message is not to be paid for as long as the link lives.
            self.inbox.shrink_to(CHUNK);
        }
        Ok(Some(message))
    }

    /// The next descriptor that came, in the order sent.
    pub(crate) fn take_fd(&mut self) -> Option<OwnedFd> {
        self.received_fds.pop_front()
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(unix)]
impl std::os::fd::AsRawFd for Link {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};

    use super::*;

    fn pair() -> (Link, Link) {
        let (a, b) = UnixStream::pair().expect("a socket pair");
        (Link::new(a).expect("a link"), Link::new(b).expect("a link"))
    }

    #[test]
    fn messages_arrive_whole_and_in_order() {
        let (mut a, mut b) = pair();
        let long = "x".repeat(1 << 20);
        a.queue(&"one", Vec::new()).expect("queues");
        a.queue(&long, Vec::new()).expect("queues");
        a.queue(&"three", Vec::new()).expect("queues");
        let mut got: Vec<String> = Vec::new();
        while got.len() < 3 {
            a.write_some().expect("writes");
            assert_eq!(b.read_some().expect("reads"), Peer::Open);
            got.extend(std::iter::from_fn(|| b.next().expect("parses")));
        }
        assert_eq!(got, ["one", &long, "three"]);
        assert!(!a.wants_to_write());
    }

    #[test]
    fn descriptors_arrive_with_their_message() {
        let (mut a, mut b) = pair();
        let (mut ours, theirs) = UnixStream::pair().expect("a socket pair");
        a.queue(&1, Vec::new()).expect("queues");
        a.queue(&2, vec![theirs.into()]).expect("queues");
        a.write_some().expect("writes");
        b.read_some().expect("reads");
        assert_eq!(b.next::<u32>().expect("parses"), Some(1));
        assert_eq!(b.next::<u32>().expect("parses"), Some(2));
        let mut file = File::from(b.take_fd().expect("the descriptor came"));
        file.write_all(b"hello").expect("writes");
        drop(file);
        let mut text = String::new();
        ours.read_to_string(&mut text).expect("reads");
        assert_eq!(text, "hello");
    }

    #[test]
    fn a_peer_that_is_gone_is_noticed_and_writing_to_it_is_no_error() {
        let (mut a, b) = pair();
        drop(b);
        a.queue(&1, Vec::new()).expect("queues");
        a.write_some().expect("takes everything");
        assert_eq!(a.read_some().expect("reads"), Peer::Gone);
    }

    #[test]
    fn nonsense_is_refused() {
        let (mut a, b) = UnixStream::pair().expect("a socket pair");
        let mut b = Link::new(b).expect("a link");
        a.write_all(&[0xff; 16]).expect("writes");
        b.read_some().expect("reads");
        assert!(b.next::<u32>().is_err());
    }
}
