//! The handle that every front-end holds, and cannot tell from one to another process.
//!
//! Owns the connection of a client: requests up; views, frames and answers down, each at the client's own pace.

use std::io;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};

use super::recorder::LogReader;
use crate::core::effect::Answer;
use crate::core::id::{ExecutionId, RequestId};
use crate::core::stop::Origin;
use crate::core::view::View;
use crate::wire::client::Request;
use crate::wire::frame::Frame;

/// Requests that wait for the dispatcher. Policy: the newest is refused; hands are slower than that.
const REQUESTS: usize = 256;
/// Answers that wait for a client. Policy: the newest is dropped; views tell the same.
const ANSWERS: usize = 64;

/// Names a client of this engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClientId(u32);

impl ClientId {
    /// The name of this client's `number`th request.
    fn request(self, number: u32) -> RequestId {
        RequestId(u64::from(self.0) << 32 | u64::from(number))
    }

    /// The client that made a request.
    pub(super) const fn of(request: RequestId) -> Self {
        Self((request.0 >> 32) as u32)
    }
}

/// From a client to the dispatcher.
#[derive(Debug)]
pub(super) enum FromClient {
    /// It is there, and wants these.
    Connected(ClientId, Downward),
    /// It asks for something.
    Asked { client: ClientId, origin: Origin, request: Request, id: RequestId },
    /// It is gone.
    Gone(ClientId),
}

/// What the dispatcher keeps of a client.
#[derive(Debug)]
pub(super) struct Downward {
    pub(super) frames: watch::Sender<Option<Arc<Frame>>>,
    pub(super) answers: mpsc::Sender<(RequestId, Answer)>,
    /// It holds a terminal that is to be waited for at the end.
    pub(super) holds_terminal: bool,
}

/// What the dispatcher has for all clients.
#[derive(Debug)]
pub(super) struct Clients {
    /// Keeps the channel open while nobody is connected.
    _open: mpsc::Sender<FromClient>,
    pub(super) inbox: mpsc::Receiver<FromClient>,
    pub(super) view: watch::Sender<Arc<View>>,
    pub(super) logs: watch::Sender<Logs>,
    pub(super) log_news: Arc<Notify>,
}

/// The logs of all executions so far, in the order they were opened.
pub(crate) type Logs = Arc<Vec<(ExecutionId, LogReader)>>;

/// Makes clients.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    outbox: mpsc::Sender<FromClient>,
    view: watch::Receiver<Arc<View>>,
    logs: watch::Receiver<Logs>,
    log_news: Arc<Notify>,
    next: Arc<std::sync::atomic::AtomicU32>,
}

pub(super) fn channel(view: &View) -> (Connector, Clients) {
    let (outbox, inbox) = mpsc::channel(REQUESTS);
    let view = watch::Sender::new(Arc::new(view.clone()));
    let logs = watch::Sender::default();
    let clients = Clients { _open: outbox.clone(), inbox, view, logs, log_news: Arc::default() };
    let (view, logs) = (clients.view.subscribe(), clients.logs.subscribe());
    let log_news = Arc::clone(&clients.log_news);
    (Connector { outbox, view, logs, log_news, next: Arc::default() }, clients)
}

impl Connector {
    /// A client. `origin` says who stands behind it; `holds_terminal`, that the session's end waits for it to
    /// let go of one.
    ///
    /// # Errors
    /// If the engine is gone.
    pub(crate) fn connect(&self, origin: Origin, holds_terminal: bool) -> io::Result<Client> {
        let id = ClientId(self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let (frames, frame) = watch::channel(None);
        let (answers, answer) = mpsc::channel(ANSWERS);
        let downward = Downward { frames, answers, holds_terminal };
        let connected = self.outbox.try_send(FromClient::Connected(id, downward));
        connected.map_err(|_| io::ErrorKind::NotConnected)?;
        Ok(Client {
            id,
            origin,
            outbox: self.outbox.clone(),
            view: self.view.clone(),
            frame,
            answer,
            logs: self.logs.clone(),
            log_news: Arc::clone(&self.log_news),
            requests: 0,
        })
    }
}

/// A connection to an engine.
#[derive(Debug)]
pub(crate) struct Client {
    id: ClientId,
    origin: Origin,
    outbox: mpsc::Sender<FromClient>,
    /// The latest picture of the session; it changes when the session does, and ends when the engine does.
    pub(crate) view: watch::Receiver<Arc<View>>,
    /// The latest frame of what was asked for with [`Request::Look`].
    pub(crate) frame: watch::Receiver<Option<Arc<Frame>>>,
    /// Answers to requests.
    pub(crate) answer: mpsc::Receiver<(RequestId, Answer)>,
    /// The logs of all executions so far,
    pub(crate) logs: watch::Receiver<Logs>,
    /// and what is told whenever one of them has grown. For one client at a time.
    pub(crate) log_news: Arc<Notify>,
    requests: u32,
}

impl Client {
    /// Asks for something, without waiting. None if the engine takes no requests: it is gone, or far behind.
    pub(crate) fn ask(&mut self, request: Request) -> Option<RequestId> {
        self.requests = self.requests.wrapping_add(1);
        let id = self.id.request(self.requests);
        let asked = FromClient::Asked { client: self.id, origin: self.origin, request, id };
        self.outbox.try_send(asked).ok().map(|()| id)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // An engine that is gone needs not know; one that is far behind finds out when it sends.
        let _unsent = self.outbox.try_send(FromClient::Gone(self.id));
    }
}
