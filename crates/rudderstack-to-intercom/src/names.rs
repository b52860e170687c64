//! Lists of names that the names of an event are looked for in.

/// A list of names. Most names that are asked for are in none, which is known without looking at each.
pub(crate) struct Names {
    all: &'static [&'static str],
    /// Of what classes they are, of 64 classes.
    classes: u64,
}

impl Names {
    pub(crate) const fn new(all: &'static [&'static str]) -> Self {
        let (mut classes, mut at) = (0, 0);
        while at < all.len() {
            classes |= class(all[at]);
            at += 1;
        }
        Self { all, classes }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.classes & class(name) != 0 && self.all.contains(&name)
    }
}

/// The class of a name, by its length and its ends.
const fn class(name: &str) -> u64 {
    match name.as_bytes() {
        [first, .., last] => 1 << ((*first as usize + 7 * *last as usize + 31 * name.len()) % 64),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn what_is_in_a_list_is_found_and_nothing_else() {
        const ALL: &[&str] = &["email", "id", "x", ""];
        const NAMES: Names = Names::new(ALL);
        for name in ALL {
            assert!(NAMES.contains(name), "{name}");
        }
        for name in ["Email", "emails", "ie", "d", "y", "é"] {
            assert!(!NAMES.contains(name), "{name}");
        }
    }
}
