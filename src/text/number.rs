//! E.164 numbers and the countries they belong to (ITU-T E.164, list of assigned country codes).

use std::fmt;
use std::sync::LazyLock;

use crate::wire::command::Ton;

/// An ISO 3166-1 alpha-2 code, in capital letters.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country(pub [u8; 2]);

impl Country {
    /// Reads two capital letters.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        match code.as_bytes() {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Some(Self([*a, *b])),
            _ => None,
        }
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// Its code in the numbering plan.
    #[must_use]
    pub fn calling_code(self) -> Option<&'static str> {
        let [first, second] = self.0.map(|letter| usize::from(letter.wrapping_sub(b'A')));
        let place = (first < LETTERS && second < LETTERS).then_some(first * LETTERS + second)?;
        Tables::get().codes.get(place).copied().flatten()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Most digits of a number (E.164 §6).
const DIGITS_MAX: usize = 15;

/// An international number, kept inline.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    digits: [u8; DIGITS_MAX],
    len: u8,
    country: Country,
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.digits())
    }
}

impl Number {
    /// Reads an address of this type of number. An unknown one is international when it begins with `+` or `00`, or when
    /// it is long enough and begins with a country's code; national when it begins with `0` and `home` is known.
    #[must_use]
    pub fn resolve(ton: Ton, id: &str, home: Option<Country>) -> Option<Self> {
        let digits = id.strip_prefix('+').unwrap_or(id);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        if digits.len() < id.len() || ton == Ton::INTERNATIONAL {
            return Self::international(digits.strip_prefix("00").unwrap_or(digits));
        }
        if let Some(rest) = digits.strip_prefix("00") {
            return Self::international(rest);
        }
        if ton == Ton::NATIONAL || digits.starts_with('0') {
            return home.and_then(|home| Self::national(digits, home));
        }
        if digits.len() >= 10 {
            return Self::international(digits);
        }
        home.and_then(|home| Self::national(digits, home))
    }

    /// Digits that begin with a country's code.
    #[must_use]
    pub fn international(digits: &str) -> Option<Self> {
        let country = country_of(digits)?;
        Self::of(digits.bytes(), country)
    }

    /// A number as it is dialled within a country: its trunk prefix goes.
    #[must_use]
    pub fn national(digits: &str, home: Country) -> Option<Self> {
        let code = home.calling_code()?;
        let trunk = if matches!(home.as_str(), "RU" | "KZ") { "8" } else { "0" };
        let keeps_zero = matches!(home.as_str(), "IT" | "SM" | "VA");
        let national = if keeps_zero { digits } else { digits.strip_prefix(trunk).unwrap_or(digits) };
        Self::of(code.bytes().chain(national.bytes()), home)
    }

    /// Digits of which nobody can say where they belong.
    #[must_use]
    pub fn unplaced(digits: &str) -> Option<Self> {
        Self::of(digits.bytes(), Country::default())
    }

    fn of(all: impl Iterator<Item = u8>, country: Country) -> Option<Self> {
        let mut digits = [0; DIGITS_MAX];
        let mut len = 0;
        for digit in all {
            *digits.get_mut(usize::from(len))? = digit;
            len += 1;
        }
        Some(Self { digits, len, country })
    }

    /// Its digits, without `+`.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.digits.get(..usize::from(self.len)).and_then(|d| std::str::from_utf8(d).ok()).unwrap_or_default()
    }

    /// Its digits without the country's code, where the country is known.
    #[must_use]
    pub fn subscriber(&self) -> &str {
        let digits = self.digits();
        let code = self.country().and_then(|_| {
            let is_code = |len: &usize| Tables::get().country(digits, *len).is_some();
            (1..=3).rev().find(is_code)
        });
        digits.get(code.unwrap_or(0)..).unwrap_or_default()
    }

    /// Its country.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        (self.country != Country::default()).then_some(self.country)
    }
}

fn country_of(digits: &str) -> Option<Country> {
    if digits.len() < 5 {
        return None;
    }
    if digits.starts_with('1') {
        let area = leading(digits.get(1..4).unwrap_or_default(), 3);
        return area.and_then(|area| Tables::get().areas.get(area)).copied().or_else(|| Country::parse("US"));
    }
    if let Some(rest) = digits.strip_prefix('7') {
        return Country::parse(if rest.starts_with(['6', '7']) { "KZ" } else { "RU" });
    }
    (1..=3).rev().find_map(|len| Tables::get().country(digits, len))
}

/// The first `len` characters as a number, when they are digits.
fn leading(digits: &str, len: usize) -> Option<usize> {
    let first = digits.as_bytes().get(..len)?;
    first.iter().try_fold(0, |sum, octet| octet.is_ascii_digit().then(|| sum * 10 + usize::from(octet - b'0')))
}

const LETTERS: usize = 26;

/// The plans below, so that a number's country is looked up and not looked for.
struct Tables {
    /// The country of a code of one, two or three digits; the default where there is none.
    countries: [Box<[Country]>; 3],
    /// The country of an area code of the North American Numbering Plan.
    areas: Box<[Country]>,
    /// A country's code, by its letters.
    codes: Box<[Option<&'static str>]>,
}

impl Tables {
    fn get() -> &'static Self {
        static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);
        &TABLES
    }

    fn new() -> Self {
        let mut countries = [10, 100, 1_000].map(|size| vec![Country::default(); size].into_boxed_slice());
        let mut codes = vec![None; LETTERS * LETTERS].into_boxed_slice();
        for (code, all) in PLAN {
            let Some(country) = all.split(' ').next().and_then(Country::parse) else { continue };
            let place = code.len().checked_sub(1).and_then(|n| countries.get_mut(n)).zip(leading(code, code.len()));
            if let Some(slot) = place.and_then(|(table, at)| table.get_mut(at)) {
                *slot = country;
            }
            let [first, second] = country.0.map(|letter| usize::from(letter - b'A'));
            codes.get_mut(first * LETTERS + second).into_iter().for_each(|slot| *slot = slot.or(Some(*code)));
        }
        let mut areas = vec![Country::parse("US").unwrap_or_default(); 1_000].into_boxed_slice();
        for (own, country) in NANP {
            for area in own.split(' ').filter_map(|area| leading(area, 3)) {
                areas.get_mut(area).into_iter().for_each(|slot| *slot = Country::parse(country).unwrap_or_default());
            }
        }
        Self { countries, areas, codes }
    }

    /// The country whose code the first `len` digits are.
    fn country(&self, digits: &str, len: usize) -> Option<Country> {
        let table = len.checked_sub(1).and_then(|n| self.countries.get(n))?;
        leading(digits, len).and_then(|at| table.get(at)).copied().filter(|country| *country != Country::default())
    }
}

const NANP: &[(&str, &str)] = &[
    (
        "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 403 416 418 428 431 437 438 450 468 474 506 514 519 548 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879 902 905 942",
        "CA",
    ),
    ("242", "BS"),
    ("246", "BB"),
    ("264", "AI"),
    ("268", "AG"),
    ("284", "VG"),
    ("340", "VI"),
    ("345", "KY"),
    ("441", "BM"),
    ("473", "GD"),
    ("649", "TC"),
    ("658 876", "JM"),
    ("664", "MS"),
    ("670", "MP"),
    ("671", "GU"),
    ("684", "AS"),
    ("721", "SX"),
    ("758", "LC"),
    ("767", "DM"),
    ("784", "VC"),
    ("787 939", "PR"),
    ("809 829 849", "DO"),
    ("868", "TT"),
    ("869", "KN"),
];

/// Country codes; where several share one the first is taken.
const PLAN: &[(&str, &str)] = &[
    ("1", "US"),
    ("7", "RU"),
    ("20", "EG"),
    ("27", "ZA"),
    ("30", "GR"),
    ("31", "NL"),
    ("32", "BE"),
    ("33", "FR"),
    ("34", "ES"),
    ("36", "HU"),
    ("39", "IT VA"),
    ("40", "RO"),
    ("41", "CH"),
    ("43", "AT"),
    ("44", "GB GG IM JE"),
    ("45", "DK"),
    ("46", "SE"),
    ("47", "NO SJ"),
    ("48", "PL"),
    ("49", "DE"),
    ("51", "PE"),
    ("52", "MX"),
    ("53", "CU"),
    ("54", "AR"),
    ("55", "BR"),
    ("56", "CL"),
    ("57", "CO"),
    ("58", "VE"),
    ("60", "MY"),
    ("61", "AU CC CX"),
    ("62", "ID"),
    ("63", "PH"),
    ("64", "NZ"),
    ("65", "SG"),
    ("66", "TH"),
    ("81", "JP"),
    ("82", "KR"),
    ("84", "VN"),
    ("86", "CN"),
    ("90", "TR"),
    ("91", "IN"),
    ("92", "PK"),
    ("93", "AF"),
    ("94", "LK"),
    ("95", "MM"),
    ("98", "IR"),
    ("211", "SS"),
    ("212", "MA EH"),
    ("213", "DZ"),
    ("216", "TN"),
    ("218", "LY"),
    ("220", "GM"),
    ("221", "SN"),
    ("222", "MR"),
    ("223", "ML"),
    ("224", "GN"),
    ("225", "CI"),
    ("226", "BF"),
    ("227", "NE"),
    ("228", "TG"),
    ("229", "BJ"),
    ("230", "MU"),
    ("231", "LR"),
    ("232", "SL"),
    ("233", "GH"),
    ("234", "NG"),
    ("235", "TD"),
    ("236", "CF"),
    ("237", "CM"),
    ("238", "CV"),
    ("239", "ST"),
    ("240", "GQ"),
    ("241", "GA"),
    ("242", "CG"),
    ("243", "CD"),
    ("244", "AO"),
    ("245", "GW"),
    ("246", "IO"),
    ("247", "SH"),
    ("248", "SC"),
    ("249", "SD"),
    ("250", "RW"),
    ("251", "ET"),
    ("252", "SO"),
    ("253", "DJ"),
    ("254", "KE"),
    ("255", "TZ"),
    ("256", "UG"),
    ("257", "BI"),
    ("258", "MZ"),
    ("260", "ZM"),
    ("261", "MG"),
    ("262", "RE YT"),
    ("263", "ZW"),
    ("264", "NA"),
    ("265", "MW"),
    ("266", "LS"),
    ("267", "BW"),
    ("268", "SZ"),
    ("269", "KM"),
    ("290", "SH"),
    ("291", "ER"),
    ("297", "AW"),
    ("298", "FO"),
    ("299", "GL"),
    ("350", "GI"),
    ("351", "PT"),
    ("352", "LU"),
    ("353", "IE"),
    ("354", "IS"),
    ("355", "AL"),
    ("356", "MT"),
    ("357", "CY"),
    ("358", "FI AX"),
    ("359", "BG"),
    ("370", "LT"),
    ("371", "LV"),
    ("372", "EE"),
    ("373", "MD"),
    ("374", "AM"),
    ("375", "BY"),
    ("376", "AD"),
    ("377", "MC"),
    ("378", "SM"),
    ("380", "UA"),
    ("381", "RS"),
    ("382", "ME"),
    ("383", "XK"),
    ("385", "HR"),
    ("386", "SI"),
    ("387", "BA"),
    ("389", "MK"),
    ("420", "CZ"),
    ("421", "SK"),
    ("423", "LI"),
    ("500", "FK"),
    ("501", "BZ"),
    ("502", "GT"),
    ("503", "SV"),
    ("504", "HN"),
    ("505", "NI"),
    ("506", "CR"),
    ("507", "PA"),
    ("508", "PM"),
    ("509", "HT"),
    ("590", "GP BL MF"),
    ("591", "BO"),
    ("592", "GY"),
    ("593", "EC"),
    ("594", "GF"),
    ("595", "PY"),
    ("596", "MQ"),
    ("597", "SR"),
    ("598", "UY"),
    ("599", "CW BQ"),
    ("670", "TL"),
    ("672", "NF AQ"),
    ("673", "BN"),
    ("674", "NR"),
    ("675", "PG"),
    ("676", "TO"),
    ("677", "SB"),
    ("678", "VU"),
    ("679", "FJ"),
    ("680", "PW"),
    ("681", "WF"),
    ("682", "CK"),
    ("683", "NU"),
    ("685", "WS"),
    ("686", "KI"),
    ("687", "NC"),
    ("688", "TV"),
    ("689", "PF"),
    ("690", "TK"),
    ("691", "FM"),
    ("692", "MH"),
    ("850", "KP"),
    ("852", "HK"),
    ("853", "MO"),
    ("855", "KH"),
    ("856", "LA"),
    ("880", "BD"),
    ("886", "TW"),
    ("960", "MV"),
    ("961", "LB"),
    ("962", "JO"),
    ("963", "SY"),
    ("964", "IQ"),
    ("965", "KW"),
    ("966", "SA"),
    ("967", "YE"),
    ("968", "OM"),
    ("970", "PS"),
    ("971", "AE"),
    ("972", "IL"),
    ("973", "BH"),
    ("974", "QA"),
    ("975", "BT"),
    ("976", "MN"),
    ("977", "NP"),
    ("992", "TJ"),
    ("993", "TM"),
    ("994", "AZ"),
    ("995", "GE"),
    ("996", "KG"),
    ("998", "UZ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(ton: u8, id: &str, home: &str) -> Option<(String, String)> {
        let number = Number::resolve(Ton(ton), id, Country::parse(home))?;
        Some((number.digits().to_owned(), number.country()?.to_string()))
    }

    #[test]
    fn tables_say_what_the_plans_say() {
        for (code, countries) in PLAN {
            let first = countries.split(' ').next().and_then(Country::parse).unwrap();
            let own = PLAN.iter().find(|(_, all)| all.split(' ').next() == Some(first.as_str()));
            assert_eq!(first.calling_code(), own.map(|(code, _)| *code));
            if !["1", "7"].contains(code) {
                assert_eq!(country_of(&format!("{code}99999")), Some(first), "{code}");
            }
        }
        for (areas, country) in NANP {
            areas.split(' ').for_each(|a| assert_eq!(country_of(&format!("1{a}5550100")), Country::parse(country)));
        }
        assert_eq!(country_of("1x5550100"), Country::parse("US"));
        assert_eq!([country_of("65 123"), country_of("21099999")], [Country::parse("SG"), None]);
        assert_eq!(Country([b'z', 0xff]).calling_code(), None);
    }

    #[test]
    fn numbers_find_their_country_however_they_are_written() {
        let is = |digits: &str, country: &str| Some((digits.to_owned(), country.to_owned()));
        assert_eq!(resolved(0, "+6591234567", ""), is("6591234567", "SG"));
        assert_eq!(resolved(1, "66812345678", ""), is("66812345678", "TH"));
        assert_eq!(resolved(0, "0060123456789", ""), is("60123456789", "MY"));
        assert_eq!(resolved(2, "0812345678", "TH"), is("66812345678", "TH"));
        assert_eq!(resolved(0, "91234567", "SG"), is("6591234567", "SG"));
        assert_eq!(resolved(0, "85512345678", ""), is("85512345678", "KH"));
        assert_eq!(resolved(1, "14165550100", ""), is("14165550100", "CA"));
        assert_eq!(resolved(1, "12125550100", ""), is("12125550100", "US"));
        assert_eq!(resolved(1, "77011234567", ""), is("77011234567", "KZ"));
        assert_eq!(
            Number::international("18005550100").map(|n| n.subscriber().to_owned()).as_deref(),
            Some("8005550100")
        );
        assert_eq!(
            Number::international("66812345678").map(|n| n.subscriber().to_owned()).as_deref(),
            Some("812345678")
        );
        assert_eq!(resolved(0, "0812345678", ""), None);
        assert_eq!(resolved(1, "2109999999999999", ""), None);
        assert_eq!(resolved(0, "DBS", ""), None);
    }
}
