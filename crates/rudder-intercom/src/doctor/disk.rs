//! Whether there is room on a disk.

use super::report::Check;
use bytesize::ByteSize;
use std::path::Path;

/// Below this, there soon is none.
const FEW: u64 = 1 << 30;
/// Below this, there is none to speak of.
const TOO_FEW: u64 = 100 << 20;

/// The room for what is in a file's folder.
pub(crate) fn free(name: &'static str, file: &Path) -> Check {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    match bytes_free(folder) {
        Some(bytes) => told(name, folder, bytes),
        None => Check::warning(
            name,
            format!("it cannot be told how much is free in {}", folder.display()),
        ),
    }
}

fn told(name: &'static str, folder: &Path, bytes: u64) -> Check {
    let detail = format!("{} free in {}", ByteSize(bytes).display().iec(), folder.display());
    let mend = "make room on this disk, or move the file";
    match bytes {
        ..TOO_FEW => Check::fault(name, detail).mend(mend),
        TOO_FEW..FEW => Check::warning(name, detail).mend(mend),
        FEW.. => Check::ok(name, detail),
    }
}

#[cfg(unix)]
fn bytes_free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn bytes_free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Status;

    #[test]
    fn a_disk_that_is_nearly_full_is_told_of() {
        for (bytes, status) in [
            (TOO_FEW - 1, Status::Fault),
            (TOO_FEW, Status::Warning),
            (FEW - 1, Status::Warning),
            (FEW, Status::Ok),
        ] {
            assert_eq!(told("disk", Path::new("/x"), bytes).status, status);
        }
    }
}
