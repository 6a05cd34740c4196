//! Debian's Dovecot on a free port with a mailbox of its own, for one test; gone after it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const USER: &str = "desk";
pub const PASSWORD: &str = "secret word";

/// A running server.
pub struct Dovecot {
    pub address: SocketAddr,
    folder: tempfile::TempDir,
    child: Option<Child>,
    count: u32,
}

impl Dovecot {
    /// A server with an empty mailbox; none where Dovecot is not installed, which is said.
    pub fn start() -> Option<Dovecot> {
        if !Path::new("/usr/sbin/dovecot").exists() || !Path::new("/usr/lib/dovecot/imap").exists() {
            eprintln!("SKIPPED: fetching from a real IMAP server needs Debian's dovecot-imapd");
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let mut dovecot = Dovecot {
            address,
            folder: tempfile::Builder::new()
                .prefix("dovecot")
                .tempdir_in("/tmp")
                .expect("a folder"),
            child: None,
            count: 0,
        };
        for name in ["new", "cur", "tmp", ".Done/new", ".Done/cur", ".Done/tmp"] {
            std::fs::create_dir_all(dovecot.maildir().join(name)).expect("a folder");
        }
        let me = rustix::process::geteuid();
        let (inner, outer) = match me.is_root() {
            true => ("dovenull".to_owned(), "dovecot".to_owned()),
            false => (whoami(), whoami()),
        };
        let (uid, gid) = match me.is_root() {
            true => (65534, 65534),
            false => (me.as_raw(), rustix::process::getegid().as_raw()),
        };
        let dir = dovecot.folder.path().display().to_string();
        let config = format!(
            "protocols = imap\nbase_dir = {dir}/run\nstate_dir = {dir}/state\nlog_path = {dir}/log\nssl = no\n\
             disable_plaintext_auth = no\nauth_mechanisms = plain\nmail_location = maildir:{dir}/mail\n\
             default_login_user = {inner}\ndefault_internal_user = {outer}\nfirst_valid_uid = 0\n\
             passdb {{\n  driver = static\n  args = user={USER} password={{PLAIN}}{PASSWORD}\n}}\n\
             userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={dir}/mail\n}}\n\
             service imap-login {{\n  chroot =\n  inet_listener imap {{\n    address = 127.0.0.1\n    port = {}\n  }}\n  \
             inet_listener imaps {{\n    port = 0\n  }}\n}}\nservice anvil {{\n  chroot =\n}}\nservice stats {{\n  chroot =\n}}\n",
            address.port()
        );
        // A static passdb takes a password without blanks only: they are written as the file has them.
        let config = config.replace(
            &format!("driver = static\n  args = user={USER} password={{PLAIN}}{PASSWORD}"),
            &format!("driver = passwd-file\n  args = scheme=plain username_format=%u {dir}/users"),
        );
        std::fs::write(dovecot.folder.path().join("conf"), config).expect("written");
        std::fs::write(
            dovecot.folder.path().join("users"),
            format!("{USER}:{{PLAIN}}{PASSWORD}\n"),
        )
        .expect("written");
        open_to_all(dovecot.folder.path());
        dovecot.run();
        Some(dovecot)
    }

    /// Starts it, or starts it again.
    pub fn run(&mut self) {
        let child = Command::new("/usr/sbin/dovecot")
            .args(["-F", "-c"])
            .arg(self.folder.path().join("conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        self.child = Some(child);
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = rustix::process::Pid::from_child(&child);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = child.wait();
        }
    }

    /// Where its mail lies.
    pub fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// A mail comes in, as mail servers put it there.
    pub fn put(&mut self, bytes: &[u8]) {
        self.count += 1;
        let name = format!("17{:08}.M{}P1.here", self.count, self.count);
        let path = self.maildir().join("tmp").join(&name);
        std::fs::write(&path, bytes).expect("written");
        open_to_all(&path);
        std::fs::rename(&path, self.maildir().join("new").join(&name)).expect("delivered");
    }

    /// Forgets every number it gave, as a restored or moved mailbox does.
    pub fn forget_numbers(&mut self) {
        self.stop();
        for entry in std::fs::read_dir(self.maildir()).expect("the folder").flatten() {
            if entry.file_name().to_string_lossy().starts_with("dovecot") {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        // The new number is the time: it must be another second.
        std::thread::sleep(Duration::from_millis(1100));
        self.run();
    }

    /// Names of the mails in a folder, with their flags.
    pub fn mails(&self, folder: &str) -> Vec<String> {
        let base = self.maildir().join(folder);
        let names = ["new", "cur"].into_iter().flat_map(|one| {
            let entries = std::fs::read_dir(base.join(one)).expect("the folder");
            entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
        });
        names.collect()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

fn whoami() -> String {
    let output = Command::new("id").arg("-un").output().expect("id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The server's processes run as others than the test.
fn open_to_all(path: &Path) {
    let _ = Command::new("chmod").args(["-R", "a+rwX"]).arg(path).status();
}
