//! Programs that everybody else seals mail with: GnuPG and OpenSSL, each with keys in a folder of its own that vanishes.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Programs that seal, with their keys in a folder of their own.
pub struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// `None`, said aloud, where a program is missing.
    pub fn with(program: &str) -> Option<Bench> {
        let there = Command::new(program)
            .arg(if program == "gpg" { "--version" } else { "version" })
            .output();
        if there.is_err() {
            eprintln!("SKIPPED: {program} is not installed");
            return None;
        }
        // GnuPG's agent has a socket in it: the path must be short.
        let folder = tempfile::Builder::new()
            .prefix("duly")
            .tempdir_in("/tmp")
            .expect("a folder");
        Some(Bench { folder })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn run(&self, program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("GNUPGHOME", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("its input");
        let input = input.to_vec();
        let writing = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().expect("it ends");
        let _ = writing.join();
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    pub fn gpg(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let always = [
            "--batch",
            "--yes",
            "--quiet",
            "--trust-model",
            "always",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ];
        self.run("gpg", &[&always[..], arguments].concat(), input)
    }

    pub fn gpg_key(&self, who: &str, algorithm: &str) {
        self.gpg(&["--quick-generate-key", who, algorithm, "default", "never"], b"");
        if algorithm != "default" {
            let print = self.gpg(&["--with-colons", "--list-keys", who], b"");
            let print = String::from_utf8(print).expect("text");
            let print = print
                .lines()
                .find(|l| l.starts_with("fpr:"))
                .and_then(|l| l.split(':').nth(9))
                .expect("a print")
                .to_owned();
            let encrypting = if algorithm == "ed25519" { "cv25519" } else { "rsa2048" };
            self.gpg(&["--quick-add-key", &print, encrypting, "encr", "never"], b"");
        }
    }

    pub fn openssl(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        self.run("openssl", arguments, input)
    }

    /// An authority, and a certificate of it for each address.
    pub fn certificates(&self, addresses: &[&str]) {
        self.openssl(
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=Test Authority",
                "-days",
                "30",
                "-keyout",
                "ca.key",
                "-out",
                "ca.pem",
            ],
            b"",
        );
        for address in addresses {
            let (key, request, certificate) = (
                format!("{address}.key"),
                format!("{address}.csr"),
                format!("{address}.pem"),
            );
            self.openssl(
                &[
                    "req",
                    "-newkey",
                    "rsa:2048",
                    "-nodes",
                    "-subj",
                    "/CN=Somebody",
                    "-keyout",
                    &key,
                    "-out",
                    &request,
                ],
                b"",
            );
            let extensions = format!("{address}.ext");
            let text = format!(
                "subjectAltName=email:{address}\nextendedKeyUsage=emailProtection\nkeyUsage=digitalSignature,keyEncipherment\n"
            );
            std::fs::write(self.path(&extensions), text).expect("a file");
            self.openssl(
                &[
                    "x509",
                    "-req",
                    "-in",
                    &request,
                    "-CA",
                    "ca.pem",
                    "-CAkey",
                    "ca.key",
                    "-CAcreateserial",
                    "-days",
                    "20",
                    "-extfile",
                    &extensions,
                    "-out",
                    &certificate,
                ],
                b"",
            );
        }
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file")
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .args(["--kill", "all"])
            .env("GNUPGHOME", self.folder.path())
            .stderr(Stdio::null())
            .status();
    }
}
