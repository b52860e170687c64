//! How arguments and settings are written: one grammar each for times, sizes and addresses, and the names of policies
//! from their enums.

use bytesize::ByteSize;
use clap::ValueHint;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::ffi::OsStr;
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use strum::IntoEnumIterator;

/// A way to write values of a type.
pub(crate) trait Format<T> {
    /// What stands for a value in the help.
    const PLACEHOLDER: &'static str;
    /// What a shell completes values with.
    const HINT: ValueHint = ValueHint::Other;
    /// Whether the flag alone means `true`.
    const IS_SWITCH: bool = false;
    /// Whether the value is the file of a secret.
    const IS_SECRET: bool = false;

    /// Reads a value, or says what is accepted.
    fn parse(text: &str) -> Result<T, String>;

    /// Writes a value so that it can be read again, if there is one.
    fn show(value: &T) -> Option<String>;

    /// All values, where they are few.
    fn names() -> Vec<String> {
        Vec::new()
    }
}

/// What reads arguments that are written in a format.
pub(crate) fn parser<F: Format<T>, T>() -> Parser<T> {
    Parser {
        parse: F::parse,
        names: F::names,
    }
}

/// Reads arguments. The help and completions have the names of the values, where they are few.
#[derive(Debug)]
pub(crate) struct Parser<T> {
    pub(crate) parse: fn(&str) -> Result<T, String>,
    pub(crate) names: fn() -> Vec<String>,
}

impl<T> Clone for Parser<T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Parser<T> {
    type Value = T;

    fn parse_ref(&self, cmd: &clap::Command, arg: Option<&clap::Arg>, value: &OsStr) -> Result<T, clap::Error> {
        let parse = self.parse;
        match value.to_str().map(parse) {
            Some(Ok(value)) => return Ok(value),
            // This error has the names, and the one that was perhaps meant.
            _ if !(self.names)().is_empty() => {
                PossibleValuesParser::new((self.names)()).parse_ref(cmd, arg, value)?;
            }
            _ => {}
        }
        (move |text: &str| parse(text)).parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = (self.names)();
        (!names.is_empty()).then(|| Box::new(names.into_iter().map(PossibleValue::new)) as _)
    }
}

/// A value that need not be there.
#[derive(Debug)]
pub(crate) struct Optional<F>(F);

impl<T, F: Format<T>> Format<Option<T>> for Optional<F> {
    const PLACEHOLDER: &'static str = F::PLACEHOLDER;
    const HINT: ValueHint = F::HINT;

    fn parse(text: &str) -> Result<Option<T>, String> {
        F::parse(text).map(Some)
    }

    fn show(value: &Option<T>) -> Option<String> {
        value.as_ref().and_then(F::show)
    }

    fn names() -> Vec<String> {
        F::names()
    }
}

/// A length of time: `500ms`, `30s`, `2h`, `7d`, `1h30m`; a bare number is seconds.
#[derive(Debug)]
pub(crate) struct Time;

/// So that adding to a clock cannot overflow.
const LONGEST: Duration = Duration::from_secs(3650 * 86_400);

impl Format<Duration> for Time {
    const PLACEHOLDER: &'static str = "TIME";

    fn parse(text: &str) -> Result<Duration, String> {
        const EXPECTED: &str = "expected a time such as 500ms, 30s, 2h or 7d, at most 3650d";
        let text = text.trim();
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let time = match text.parse() {
            Ok(seconds) if is_number => Duration::try_from_secs_f64(seconds).ok(),
            _ => humantime::parse_duration(text).ok(),
        };
        time.filter(|time| *time <= LONGEST).ok_or_else(|| EXPECTED.to_owned())
    }

    /// In the largest unit that it is a whole number of.
    fn show(value: &Duration) -> Option<String> {
        let units: [(u128, &str); 6] = [
            (86_400_000_000_000, "d"),
            (3_600_000_000_000, "h"),
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1, "ns"),
        ];
        let nanoseconds = value.as_nanos();
        if nanoseconds == 0 {
            return Some("0s".to_owned());
        }
        let (length, unit) = units
            .into_iter()
            .find(|(length, _)| nanoseconds.is_multiple_of(*length))?;
        Some(format!("{}{unit}", nanoseconds / length))
    }
}

/// A number of bytes: `4MB` is 4,000,000 of them, `4MiB` 4,194,304; a bare number is bytes.
#[derive(Debug)]
pub(crate) struct Size;

/// The largest size of something that is held in memory: 1 GiB.
const LARGEST: usize = 1 << 30;

impl Format<u64> for Size {
    const PLACEHOLDER: &'static str = "SIZE";

    fn parse(text: &str) -> Result<u64, String> {
        const EXPECTED: &str = "expected a size such as 65536, 64KiB or 4MB";
        let size = text.trim().parse::<ByteSize>().map_err(|_| EXPECTED)?;
        Ok(size.as_u64())
    }

    /// In the largest unit that it is a whole number of.
    fn show(value: &u64) -> Option<String> {
        let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        let found = units
            .into_iter()
            .find(|(length, _)| *value > 0 && value.is_multiple_of(*length));
        Some(match found {
            Some((length, unit)) => format!("{}{unit}", value / length),
            None => value.to_string(),
        })
    }
}

impl Format<NonZeroUsize> for Size {
    const PLACEHOLDER: &'static str = <Self as Format<u64>>::PLACEHOLDER;

    fn parse(text: &str) -> Result<NonZeroUsize, String> {
        let size: u64 = Self::parse(text)?;
        let size = usize::try_from(size).ok().filter(|size| *size <= LARGEST);
        size.and_then(NonZeroUsize::new)
            .ok_or_else(|| "expected a size between 1 and 1GiB".to_owned())
    }

    fn show(value: &NonZeroUsize) -> Option<String> {
        Self::show(&value.get())
    }
}

impl Format<usize> for Size {
    const PLACEHOLDER: &'static str = <Self as Format<u64>>::PLACEHOLDER;

    fn parse(text: &str) -> Result<usize, String> {
        let size: NonZeroUsize = Self::parse(text)?;
        Ok(size.get())
    }

    fn show(value: &usize) -> Option<String> {
        Self::show(&u64::try_from(*value).unwrap_or(u64::MAX))
    }
}

/// A whole number.
#[derive(Debug)]
pub(crate) struct Count;

macro_rules! count {
    ($($type:ty, $expected:literal;)*) => {$(
        impl Format<$type> for Count {
            const PLACEHOLDER: &'static str = "COUNT";

            fn parse(text: &str) -> Result<$type, String> {
                text.trim().parse().map_err(|_| $expected.to_owned())
            }

            fn show(value: &$type) -> Option<String> {
                Some(value.to_string())
            }
        }
    )*};
}
count! {
    usize, "expected a whole number";
    u64, "expected a whole number";
    NonZeroUsize, "expected a whole number, at least 1";
    NonZeroU32, "expected a whole number, at least 1";
}

/// One of the values of an enum, by its name.
#[derive(Debug)]
pub(crate) struct OneOf;

impl<T: FromStr + Display + IntoEnumIterator> Format<T> for OneOf {
    const PLACEHOLDER: &'static str = "NAME";

    fn parse(text: &str) -> Result<T, String> {
        text.parse()
            .map_err(|_| format!("expected one of {}", <Self as Format<T>>::names().join(", ")))
    }

    fn show(value: &T) -> Option<String> {
        Some(value.to_string())
    }

    fn names() -> Vec<String> {
        T::iter().map(|value| value.to_string()).collect()
    }
}

/// Yes or no.
#[derive(Debug)]
pub(crate) struct Switch;

impl Format<bool> for Switch {
    const PLACEHOLDER: &'static str = "YES";
    const IS_SWITCH: bool = true;

    fn parse(text: &str) -> Result<bool, String> {
        text.trim().parse().map_err(|_| "expected true or false".to_owned())
    }

    fn show(value: &bool) -> Option<String> {
        Some(value.to_string())
    }

    fn names() -> Vec<String> {
        [true, false].map(|value| value.to_string()).into()
    }
}

/// Where to listen: `127.0.0.1:9090`, `localhost:9090`, or `:9090` for all addresses of this machine.
#[derive(Debug)]
pub(crate) struct Address;

impl Format<SocketAddr> for Address {
    const PLACEHOLDER: &'static str = "ADDR";

    fn parse(text: &str) -> Result<SocketAddr, String> {
        const EXPECTED: &str = "expected an address and a port such as 127.0.0.1:9090 or localhost:9090, or :9090 for all addresses of this machine";
        let text = text.trim();
        let address = match text.rsplit_once(':') {
            Some(("", port)) => port.parse().ok().map(|port| (Ipv4Addr::UNSPECIFIED, port).into()),
            Some((host, port)) if host.eq_ignore_ascii_case("localhost") => {
                port.parse().ok().map(|port| (Ipv4Addr::LOCALHOST, port).into())
            }
            _ => text.parse().ok(),
        };
        address.ok_or_else(|| EXPECTED.to_owned())
    }

    fn show(value: &SocketAddr) -> Option<String> {
        Some(value.to_string())
    }
}

/// A file.
#[derive(Debug)]
pub(crate) struct File;

impl Format<PathBuf> for File {
    const PLACEHOLDER: &'static str = "FILE";
    const HINT: ValueHint = ValueHint::FilePath;

    fn parse(text: &str) -> Result<PathBuf, String> {
        match text {
            "" => Err("expected the path of a file".to_owned()),
            path => Ok(path.into()),
        }
    }

    fn show(value: &PathBuf) -> Option<String> {
        Some(value.display().to_string())
    }
}

/// The file of a secret, which can stand in a variable as well.
#[derive(Debug)]
pub(crate) struct SecretFile;

impl Format<Option<PathBuf>> for SecretFile {
    const PLACEHOLDER: &'static str = File::PLACEHOLDER;
    const HINT: ValueHint = File::HINT;
    const IS_SECRET: bool = true;

    fn parse(text: &str) -> Result<Option<PathBuf>, String> {
        Optional::<File>::parse(text)
    }

    fn show(value: &Option<PathBuf>) -> Option<String> {
        Optional::<File>::show(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::Region;
    use intercom_delivery::AttributePolicy;

    #[test]
    fn times_have_units() {
        for (text, milliseconds, shown) in [
            ("0", 0, "0s"),
            ("10", 10_000, "10s"),
            ("2.5", 2_500, "2500ms"),
            ("500ms", 500, "500ms"),
            ("30s", 30_000, "30s"),
            ("90s", 90_000, "90s"),
            ("120s", 120_000, "2m"),
            ("2h", 7_200_000, "2h"),
            ("1h 30m", 5_400_000, "90m"),
            ("7d", 604_800_000, "7d"),
        ] {
            let time = Time::parse(text);
            assert_eq!(time, Ok(Duration::from_millis(milliseconds)), "{text}");
            assert_eq!(Time::show(&time.unwrap()).as_deref(), Some(shown), "{text}");
            assert_eq!(Time::parse(shown), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "-1",
            "-1s",
            "soon",
            "NaN",
            "inf",
            "1e3",
            ".",
            "11y",
            "99999999999999999999",
        ] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes, shown) in [
            ("0", 0, "0"),
            ("7b", 7, "7"),
            ("1000", 1_000, "1000"),
            ("64KiB", 65_536, "64KiB"),
            ("65536", 65_536, "64KiB"),
            ("4MB", 4_000_000, "4000000"),
            ("4 MiB", 4 << 20, "4MiB"),
            ("1.5GiB", 3 << 29, "1536MiB"),
            ("16TiB", 16 << 40, "16TiB"),
        ] {
            let size: Result<u64, _> = Size::parse(text);
            assert_eq!(size, Ok(bytes), "{text}");
            assert_eq!(Size::show(&bytes).as_deref(), Some(shown), "{text}");
            assert_eq!(Size::parse(shown), Ok(bytes), "{text}");
        }
        for text in ["", "x", "-1", "NaN", "99999999999999999999", "4 mills"] {
            assert!(<Size as Format<u64>>::parse(text).is_err(), "{text}");
        }
        for text in ["0", "2GiB"] {
            assert!(<Size as Format<usize>>::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_need_no_numbers() {
        for (text, address) in [
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("localhost:9090", "127.0.0.1:9090"),
            (":9090", "0.0.0.0:9090"),
            ("[::]:0", "[::]:0"),
        ] {
            assert_eq!(Address::parse(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in ["", "9090", "here:1", "localhost", "localhost:x", ":70000", "::1"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_those_of_the_enum() {
        assert_eq!(<OneOf as Format<AttributePolicy>>::names(), ["fail", "drop", "create"]);
        let parsed: Result<AttributePolicy, _> = OneOf::parse("ignore");
        assert_eq!(parsed, Err("expected one of fail, drop, create".to_owned()));
        // Enums may read more spellings than they write.
        assert_eq!(OneOf::parse("eu"), Ok(Region::Europe));
        let command = clap::Command::new("x").arg(clap::Arg::new("r").value_parser(parser::<OneOf, Region>()));
        assert!(command.clone().try_get_matches_from(["x", "EU"]).is_ok());
        let error = command.try_get_matches_from(["x", "Eurppe"]).unwrap_err().to_string();
        assert!(error.contains("US, Europe, Australia"), "{error}");
        assert!(error.contains("similar value exists: 'Europe'"), "{error}");
    }
}
