//! The worked example of `CONTRIBUTING.md` is the code that it says it is.

use std::fs;
use std::path::Path;

#[test]
fn the_worked_example_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let mut quoted = 0;
    for block in page.split("```").skip(1).step_by(2) {
        let mut lines = block.lines().skip(1).map(str::trim);
        let Some(path) = lines.next().and_then(|line| line.strip_prefix("// ")) else {
            continue;
        };
        let file = fs::read_to_string(root.join(path)).unwrap();
        for line in lines.filter(|line| !line.is_empty()) {
            assert!(
                file.lines().any(|found| found.trim() == line),
                "{path} has no line {line:?}"
            );
            quoted += 1;
        }
    }
    assert_eq!(quoted, 5, "lines of the example");
}
