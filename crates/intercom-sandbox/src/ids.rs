//! The ids that the sandbox gives: 24 hexadecimal digits, decided by the seed, the kind of thing and a counter.

/// What an id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Contact = 0xc0,
    Company = 0xb0,
}

/// Gives ids and reads them again; reading needs no table, because an id holds the place of its thing.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    /// The first 14 digits, the same for all ids of a seed.
    prefix: String,
    seed: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        // The first digits are those of a plausible time, as in the real ids.
        let digits = scramble(seed) >> 16;
        Self {
            prefix: format!("66{digits:012x}"),
            seed,
        }
    }

    pub(crate) fn write(&self, kind: Kind, at: u32) -> String {
        format!("{}{:02x}{at:08x}", self.prefix, kind as u8)
    }

    pub(crate) fn read(&self, kind: Kind, id: &str) -> Option<u32> {
        let digits = id.strip_prefix(self.prefix.as_str())?;
        if digits.len() != 10 || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let number = u64::from_str_radix(digits, 16).ok()?;
        (number >> 32 == kind as u64).then_some((number & 0xffff_ffff) as u32)
    }

    /// An id of a request, in the form of a UUID.
    pub(crate) fn request(&self, number: u64) -> String {
        let (high, low) = (scramble(self.seed ^ number), scramble(number.wrapping_add(self.seed)));
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }
}

/// Spreads the bits of a number (the finaliser of SplitMix64).
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_intercoms_and_can_be_read() {
        let ids = Ids::new(7);
        let id = ids.write(Kind::Contact, 4711);
        assert_eq!(id.len(), 24);
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(ids.read(Kind::Contact, &id), Some(4711));
        assert_eq!(ids.read(Kind::Company, &id), None);
        assert_eq!(Ids::new(8).read(Kind::Contact, &id), None);
        assert_eq!(ids.read(Kind::Contact, &id.to_uppercase()), None);
        assert_eq!(ids.request(1).len(), 36);
        assert_ne!(ids.request(1), ids.request(2));
    }
}
