//! The engine's side of shims: starting them, talking with them, seeing them end.
//!
//! Owns the traits through which the engine does so, and what they are on this system. Decides nothing.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

use super::children;
use super::containment::Containment;
use super::link::{Link, Peer};
use super::readiness;
use super::shim::VERB;
use super::signal;
use crate::core::outcome::Survivor;
use crate::core::stop::Signal;
use crate::wire::shim::{FromShim, ToShim};

/// How long a lost shim's tree is swept before what is left is called a survivor.
const RECLAIM: Duration = Duration::from_secs(2);

/// Starts shims.
pub(crate) trait Spawner: Send + Sync + 'static {
    /// What it starts.
    type Child: Child;

    /// Starts a shim. `name` is for those who list processes.
    fn spawn(&self, name: String) -> impl Future<Output = io::Result<Self::Child>> + Send;

    /// Kills whatever shims that are gone have left to us, and says what could not be ended.
    fn reclaim(&self) -> impl Future<Output = Vec<Survivor>> + Send;
}

/// A running shim.
pub(crate) trait Child: Send + 'static {
    /// Sends a message, and descriptors with it. One that is gone takes everything.
    ///
    /// # Errors
    /// If the shim has stopped reading long ago.
    fn tell(&mut self, message: &ToShim, fds: Vec<OwnedFd>) -> io::Result<()>;

    /// Waits for the next thing it says, sending on the way what could not be sent before. Cancel safe.
    fn hear(&mut self) -> impl Future<Output = Heard> + Send;

    /// Kills it: it does not answer, or has nothing more to do.
    fn kill(&mut self);

    /// Waits until it has ended, and reaps it. Cancel safe.
    fn reap(&mut self) -> impl Future<Output = ()> + Send;
}

/// What is heard from a shim.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The ends of its command's output, to read from.
    Output(Vec<OwnedFd>),
    /// News.
    Report(crate::core::report::Report),
    /// Nothing any more.
    Lost,
}

/// Starts shims of this binary, from one thread that lives as long as this.
#[derive(Debug)]
pub(crate) struct ShimSpawner {
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
struct Order {
    name: String,
    reply: oneshot::Sender<io::Result<ShimChild>>,
}

impl ShimSpawner {
    /// Starts the thread, and makes this process the one that orphans of lost shims come to.
    ///
    /// # Errors
    /// If there is no thread left.
    pub(crate) fn new() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::Builder::new().name("spawner".into()).spawn(move || {
            while let Ok(order) = inbox.recv() {
                // Whoever ordered may have gone; then the shim sees its link end, and goes too.
                let _unheard = order.reply.send(spawn_shim(&order.name));
            }
        })?;
        Ok(Self { orders })
    }
}

impl Spawner for ShimSpawner {
    type Child = ShimChild;

    async fn spawn(&self, name: String) -> io::Result<ShimChild> {
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the spawning thread is gone");
        self.orders.send(Order { name, reply }).map_err(|_| gone())?;
        let mut child = answer.await.map_err(|_| gone())??;
        child.register()?;
        Ok(child)
    }

    async fn reclaim(&self) -> Vec<Survivor> {
        tokio::task::spawn_blocking(sweep_orphans).await.unwrap_or_default()
    }
}

/// Runs on the spawner's thread. Without a `pre_exec`, std uses posix_spawn: a fork would copy the page tables
/// of an engine full of scrollback (60 ms at 1 GB, measured).
fn spawn_shim(name: &str) -> io::Result<ShimChild> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(own_program()?);
    command
        .arg0(format!("sundown: {name}"))
        .arg(VERB)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let pid = children::spawn(&mut command)?;
    Ok(ShimChild { pid, link: ShimLink::New(Link::new(ours)?), reaped: false })
}

#[cfg(target_os = "linux")]
pub(super) fn own_program() -> io::Result<std::path::PathBuf> {
    // By its inode: also after an upgrade has replaced the file.
    Ok("/proc/self/exe".into())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn own_program() -> io::Result<std::path::PathBuf> {
    std::env::current_exe()
}

/// Sweeps what is below us but no living shim's, and reaps it.
fn sweep_orphans() -> Vec<Survivor> {
    let begun = std::time::Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        let own = children::own();
        let orphans = Containment::below(rustix::process::getpid(), own.iter().copied().collect());
        let found = orphans.sweep();
        own.reap_others();
        drop(own);
        if found == 0 {
            return Vec::new();
        }
        if begun.elapsed() > RECLAIM {
            return orphans.census().survivors;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// A shim, as its engine has it.
#[derive(Debug)]
pub(crate) struct ShimChild {
    pid: Pid,
    link: ShimLink,
    reaped: bool,
}

/// The link, before and after it is known to the runtime (which its spawning thread has none of).
#[derive(Debug)]
enum ShimLink {
    New(Link),
    Registered(AsyncFd<Link>),
    Gone,
}

impl ShimChild {
    fn register(&mut self) -> io::Result<()> {
        if let ShimLink::New(link) = std::mem::replace(&mut self.link, ShimLink::Gone) {
            self.link =
                ShimLink::Registered(readiness::register(link, Interest::READABLE | Interest::WRITABLE)?);
        }
        Ok(())
    }

    /// What is heard next, if it is here already.
    fn next_heard(link: &mut Link) -> io::Result<Option<Heard>> {
        Ok(link.next::<FromShim>()?.map(|message| match message {
            FromShim::Output => Heard::Output(std::iter::from_fn(|| link.take_fd()).collect()),
            FromShim::Report(report) => Heard::Report(report),
        }))
    }

    async fn hear_or_fail(&mut self) -> io::Result<Heard> {
        let ShimLink::Registered(link) = &mut self.link else { return Ok(Heard::Lost) };
        loop {
            if let Some(heard) = Self::next_heard(link.get_mut())? {
                return Ok(heard);
            }
            let interest = if link.get_ref().wants_to_write() {
                Interest::READABLE | Interest::WRITABLE
            } else {
                Interest::READABLE
            };
            let mut ready = link.ready_mut(interest).await?;
            let link = ready.get_inner_mut();
            link.write_some()?;
            if link.read_some()? == Peer::Gone {
                let last = Self::next_heard(link)?;
                return Ok(last.unwrap_or(Heard::Lost));
            }
            ready.clear_ready();
        }
    }
}

impl Child for ShimChild {
    fn tell(&mut self, message: &ToShim, fds: Vec<OwnedFd>) -> io::Result<()> {
        let ShimLink::Registered(link) = &mut self.link else { return Ok(()) };
        let link = link.get_mut();
        link.queue(message, fds)?;
        link.write_some()
    }

    async fn hear(&mut self) -> Heard {
        // A shim that cannot be understood is as good as none.
        let heard = self.hear_or_fail().await.unwrap_or(Heard::Lost);
        if matches!(heard, Heard::Lost) {
            self.link = ShimLink::Gone;
        }
        heard
    }

    fn kill(&mut self) {
        if !self.reaped {
            signal::send_to_child(self.pid, Signal::KILL);
        }
    }

    async fn reap(&mut self) {
        if self.reaped {
            return;
        }
        wait_for_end(self.pid).await;
        children::own().reap(self.pid);
        self.reaped = true;
    }
}

/// Waits until a child of ours has ended. It is not reaped, so its number stays its own meanwhile.
#[cfg(target_os = "linux")]
async fn wait_for_end(pid: Pid) {
    let flags = rustix::process::PidfdFlags::NONBLOCK;
    let Ok(pidfd) = rustix::process::pidfd_open(pid, flags) else { return poll_for_end(pid).await };
    match readiness::register(pidfd, Interest::READABLE) {
        Ok(pidfd) => drop(pidfd.readable().await),
        Err(_) => poll_for_end(pid).await,
    }
}

#[cfg(not(target_os = "linux"))]
async fn wait_for_end(pid: Pid) {
    poll_for_end(pid).await;
}

/// Without a descriptor to wait on: looks again and again, which happens at the descriptor limit only.
async fn poll_for_end(pid: Pid) {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while let Ok(None) = waitid(WaitId::Pid(pid), options) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
