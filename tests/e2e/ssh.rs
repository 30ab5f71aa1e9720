//! Over a real ssh to this machine.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::*;

/// An sshd of our own on a free port, which lets this user in by a key of our own.
struct Sshd {
    child: Child,
    port: u16,
    dir: Dir,
}

impl Sshd {
    /// None where there is no sshd.
    fn start() -> Option<Self> {
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"]
            .into_iter()
            .find(|path| std::fs::exists(path).is_ok_and(|is| is))?;
        let dir = Dir::new();
        let key = |name: &str| {
            let path = dir.path().join(name);
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).status();
            made.is_ok_and(|status| status.success()).then_some(path)
        };
        let (host, user) = (key("host")?, key("user")?);
        std::fs::copy(user.with_extension("pub"), dir.path().join("authorized")).expect("copies");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\n\
             PidFile none\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nAcceptEnv XDG_STATE_HOME LANG\n",
            host.display(),
            dir.path().join("authorized").display(),
        );
        let file = dir.path().join("config");
        std::fs::write(&file, config).expect("writes");
        // Where sshd wants it, and nobody else has made it yet.
        let _there = std::fs::create_dir_all("/run/sshd");
        let child = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let sshd = Self { child, port, dir };
        until("sshd listens", LONG, || std::net::TcpStream::connect(("127.0.0.1", sshd.port)).is_ok());
        Some(sshd)
    }

    fn connect(&self, cols: u16, rows: u16, command: &str) -> Tui {
        let (key, port) = (self.dir.path().join("user"), self.port.to_string());
        let args = [
            "-tt",
            "-q",
            "-i",
            key.to_str().expect("text"),
            "-p",
            &port,
            "-F",
            "none",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "SendEnv=XDG_STATE_HOME LANG",
            "127.0.0.1",
            command,
        ];
        Tui::run(cols, rows, "ssh", &args, |_| {})
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn the_screen_works_over_ssh() {
    let Some(sshd) = Sshd::start() else { return eprintln!("skipped: no sshd") };
    for (cols, rows) in [(80, 24), (120, 36), (40, 10)] {
        let mut tui = sshd.connect(cols, rows, &format!("{} demo", sundown().display()));
        tui.tty.see("? help");
        tui.tty.see("build");
        tui.tty.keys(b"5");
        tui.tty.see("X: kill me");
        tui.tty.keys(b"x");
        tui.tty.see("SIGTERM in");
        tui.tty.keys(b"\x03");
        std::thread::park_timeout(Duration::from_secs(1));
        tui.tty.keys(b"\x03");
        tui.end();
        tui.tty.see("0 processes left");
        tui.assert_terminal_whole();
    }
}

#[test]
fn a_lost_connection_leaves_nothing_running() {
    let Some(sshd) = Sshd::start() else { return eprintln!("skipped: no sshd") };
    let tag = tag();
    let line = nasty(&format!("wl {tag} ign"));
    let tui =
        sshd.connect(80, 24, &format!("{} run --stop INT:1s,TERM:1s,KILL '{line}'", sundown().display()));
    until("it is set up", LONG, || left(&tag) == 5);
    drop(tui);
    until("nothing is left", LONG, || left(&tag) == 0);
}
