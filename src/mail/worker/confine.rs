//! Shutting the worker in: what the kernel keeps from a parser that a mail has taken over.
//!
//! Promises: after [`shut_in`] the process holds its pipes and its memory, and nothing else: landlock takes every file and
//! every network port away, seccomp every system call that reading a mail does not need. Where the kernel has one of them
//! not, the worker still works and says what is missing, so that the log and `duly doctor` can. [`attempts`] tries what a
//! break-in would try, from inside: a lock is believed when somebody has rattled at the door.
//! Leaves out: memory, CPU and descriptors, which are limits (`child.rs`).
//!
//! A refused call is an error (EPERM) and no kill: a library that asks for something in passing on another system goes
//! on, and one that was taken over gets nothing either way.

use serde::{Deserialize, Serialize};

/// How well the worker is shut in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// What this system could not do, a sentence each; empty if nothing is missing.
    pub missing: Vec<String>,
}

/// Something that a mail must never make the worker do, and what came of trying it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was tried, as words behind "to".
    pub what: String,
    /// Whether the kernel refused it.
    pub refused: bool,
    /// What the kernel said.
    pub answer: String,
}

/// Shuts the calling thread in, and all threads of the process with the second of the two locks.
#[cfg(target_os = "linux")]
pub(super) fn shut_in() -> Confinement {
    let mut missing = Vec::new();
    if let Err(cause) = linux::no_files_no_network() {
        missing.push(format!(
            "landlock does not keep files and the network from it ({cause:#})"
        ));
    }
    if let Err(cause) = linux::few_calls() {
        missing.push(format!("seccomp does not narrow its system calls ({cause:#})"));
    }
    Confinement { missing }
}

/// Other systems have other locks; none is turned here.
#[cfg(not(target_os = "linux"))]
pub(super) fn shut_in() -> Confinement {
    Confinement {
        missing: vec!["this system has neither seccomp nor landlock".into()],
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;

    use anyhow::Context;
    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };

    /// Everything that landlock knows is handled and nothing is allowed. Kernels before 6.7 know no network, before 6.12
    /// no signals: there seccomp stands alone.
    pub(super) fn no_files_no_network() -> anyhow::Result<()> {
        let abi = ABI::V6;
        let status = Ruleset::default()
            .handle_access(AccessFs::from_all(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?
            .restrict_self()?;
        match status.ruleset {
            RulesetStatus::NotEnforced => anyhow::bail!("this kernel has no landlock, or it is switched off"),
            _ => Ok(()),
        }
    }

    /// Reading, writing, memory, time and ending: the calls that reading a mail needs.
    pub(super) fn few_calls() -> anyhow::Result<()> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = [
            libc::SYS_read,
            libc::SYS_write,
            libc::SYS_readv,
            libc::SYS_writev,
            libc::SYS_close,
            libc::SYS_munmap,
            libc::SYS_mremap,
            libc::SYS_brk,
            libc::SYS_madvise,
            libc::SYS_futex,
            libc::SYS_clock_gettime,
            libc::SYS_getrandom,
            libc::SYS_getpid,
            libc::SYS_getppid,
            libc::SYS_gettid,
            libc::SYS_getrlimit,
            libc::SYS_setrlimit,
            libc::SYS_sched_yield,
            libc::SYS_sched_getaffinity,
            libc::SYS_rt_sigaction,
            libc::SYS_rt_sigprocmask,
            libc::SYS_rt_sigreturn,
            libc::SYS_sigaltstack,
            libc::SYS_restart_syscall,
            libc::SYS_exit,
            libc::SYS_exit_group,
        ]
        .into_iter()
        .map(|call| (call, Vec::new()))
        .collect();
        let own = u64::from(std::process::id());
        // Limits and signals of its own: never those of another process.
        rules.insert(libc::SYS_prlimit64, vec![when(0, SeccompCmpOp::Eq, 0)?]);
        rules.insert(libc::SYS_tgkill, vec![when(0, SeccompCmpOp::Eq, own)?]);
        // Memory that is data stays data.
        let exec = u64::from(libc::PROT_EXEC.unsigned_abs());
        let never_code = || when(2, SeccompCmpOp::MaskedEq(exec), 0);
        rules.insert(libc::SYS_mmap, vec![never_code()?]);
        rules.insert(libc::SYS_mprotect, vec![never_code()?]);
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::Errno(libc::EPERM.unsigned_abs()),
            SeccompAction::Allow,
            std::env::consts::ARCH
                .try_into()
                .context("a processor that it does not know")?,
        )?;
        let program: BpfProgram = filter.try_into()?;
        seccompiler::apply_filter_all_threads(&program)?;
        Ok(())
    }

    fn when(argument: u8, operator: SeccompCmpOp, value: u64) -> anyhow::Result<SeccompRule> {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?;
        Ok(SeccompRule::new(vec![condition])?)
    }
}

/// Tries what a break-in would try, without harm where it succeeds.
pub(super) fn attempts() -> Vec<Attempt> {
    use std::fs;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    let tried = |what: &str, outcome: std::io::Result<()>| {
        let (refused, answer) = match outcome {
            Ok(()) => (false, "it worked".to_owned()),
            Err(cause) => (cause.kind() == std::io::ErrorKind::PermissionDenied, cause.to_string()),
        };
        Attempt {
            what: what.to_owned(),
            refused,
            answer,
        }
    };
    let parent = rustix::process::getppid();
    vec![
        tried("open a file", fs::File::open("/etc/passwd").map(drop)),
        tried(
            "write to a file",
            fs::OpenOptions::new().write(true).open("/dev/null").map(drop),
        ),
        tried("look into a folder", fs::read_dir("/").map(drop)),
        tried("make a folder", fs::create_dir("/proc/self/duly")),
        tried("open a connection", TcpStream::connect(("127.0.0.1", 9)).map(drop)),
        tried("listen for connections", TcpListener::bind(("127.0.0.1", 0)).map(drop)),
        tried("send a packet", UdpSocket::bind(("127.0.0.1", 0)).map(drop)),
        tried("use a local socket", UnixStream::pair().map(drop)),
        tried("run a program", Command::new("/bin/true").status().map(drop)),
        tried(
            "signal the desk",
            match parent {
                Some(desk) => rustix::process::test_kill_process(desk).map_err(Into::into),
                None => Ok(()),
            },
        ),
    ]
}
