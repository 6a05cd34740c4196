//! What a process holds in memory, as Linux tells.

use anyhow::{Context, Result};

/// Bytes that the process holds now.
///
/// # Errors
/// If it is gone, or the system does not tell.
pub fn resident(pid: u32) -> Result<u64> {
    field(pid, "VmRSS:")
}

/// Most bytes that it held since it began, or since [`forget_peak`].
///
/// # Errors
/// If it is gone, or the system does not tell.
pub fn peak(pid: u32) -> Result<u64> {
    field(pid, "VmHWM:")
}

/// Begins the peak anew.
///
/// # Errors
/// If the process is not ours.
pub fn forget_peak(pid: u32) -> Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("resetting the peak")
}

/// Processes that this one started and that run still.
pub fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task");
    let tasks = std::fs::read_dir(path).into_iter().flatten().flatten();
    let listed = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    listed
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|one| one.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

fn field(pid: u32, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .context("no such field")?;
    let kib = line.split_whitespace().nth(1).context("no number")?;
    Ok(kib.parse::<u64>()? * 1024)
}
