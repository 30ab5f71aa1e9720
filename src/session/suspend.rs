//! Ctrl-Z: the session stands still while its terminal belongs to the shell again.

use std::time::Duration;

use crate::core::view::Suspend;
use crate::engine::Client;
use crate::process::signal;
use crate::wire::client::Request;

/// Everything stands still within this time, or we stop all the same: the person asked for the shell.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes everything stand still, stops this process as its shell expects, and lets everything go on once it is
/// continued. The caller has given the terminal back, and takes it again afterwards.
pub(crate) async fn suspend(client: &mut Client) {
    client.ask(Request::Suspend);
    let still = client.view.wait_for(|view| view.session.suspend == Suspend::Ready);
    if tokio::time::timeout(PATIENCE, still).await.is_err() {
        tracing::warn!("not everything stands still; suspending all the same");
    }
    if let Err(error) = signal::suspend() {
        tracing::warn!(%error, "could not be suspended");
    }
    client.ask(Request::Continue);
}
