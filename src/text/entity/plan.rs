//! How numbers are dialled within a country: enough of its numbering plan to tell a number from an amount or a code.
//!
//! Lengths and leading digits are those of the national plans as registered with the ITU (National Numbering Plans,
//! E.129), for the countries that our traffic goes to.

use super::number::Country;

/// Numbers that begin with these digits, and how many digits they have in all.
type Block = (&'static str, usize, usize);

/// A country's numbers.
#[derive(Debug)]
pub(super) struct Plan {
    country: &'static str,
    /// Its code, dialled from abroad.
    code: &'static str,
    /// Dialled with a 0 in front; the digits are those behind it.
    trunk: &'static [Block],
    /// Subscribers' numbers that are dialled as they are.
    bare: &'static [Block],
    /// Numbers of services, dialled as they are: 1800, 400.
    service: &'static [Block],
}

/// How a number fits a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// With its 0: few other numbers look like this.
    Trunk,
    /// A service's number.
    Service,
    /// Nothing but its length and first digit speak for it.
    Bare,
}

/// The plan of a country, when it is known.
pub(super) fn of(country: Country) -> Option<&'static Plan> {
    PLANS.iter().find(|p| p.country == country.as_str())
}

/// The plan of the country whose code these digits begin with, when what follows is a subscriber's number there.
pub(super) fn abroad(digits: &str) -> Option<&'static Plan> {
    PLANS.iter().find(|p| digits.strip_prefix(p.code).is_some_and(|rest| p.has(rest)))
}

impl Plan {
    /// How digits fit, as they are dialled within the country.
    pub(super) fn fit(&self, digits: &str) -> Option<Fit> {
        if let Some(rest) = digits.strip_prefix('0')
            && holds(self.trunk, rest)
        {
            return Some(Fit::Trunk);
        }
        if holds(self.service, digits) {
            return Some(Fit::Service);
        }
        holds(self.bare, digits).then_some(Fit::Bare)
    }

    /// Whether digits behind the country's code are a subscriber's number.
    fn has(&self, digits: &str) -> bool {
        holds(self.trunk, digits) || holds(self.bare, digits)
    }
}

fn holds(blocks: &[Block], digits: &str) -> bool {
    blocks.iter().any(|(start, min, max)| (*min..=*max).contains(&digits.len()) && digits.starts_with(start))
}

const PLANS: &[Plan] = &[
    Plan {
        country: "SG",
        code: "65",
        trunk: &[],
        bare: &[("3", 8, 8), ("6", 8, 8), ("8", 8, 8), ("9", 8, 8)],
        service: &[("1800", 11, 11), ("1900", 11, 11), ("800", 10, 10)],
    },
    Plan {
        country: "MY",
        code: "60",
        trunk: &[
            ("1", 9, 10),
            ("3", 9, 9),
            ("4", 8, 8),
            ("5", 8, 8),
            ("6", 8, 8),
            ("7", 8, 8),
            ("8", 8, 8),
            ("9", 8, 8),
        ],
        bare: &[],
        service: &[("1300", 10, 10), ("1700", 10, 10), ("1800", 10, 10)],
    },
    Plan {
        country: "TH",
        code: "66",
        trunk: &[
            ("6", 9, 9),
            ("8", 9, 9),
            ("9", 9, 9),
            ("2", 8, 8),
            ("3", 8, 8),
            ("4", 8, 8),
            ("5", 8, 8),
            ("7", 8, 8),
        ],
        bare: &[],
        service: &[("1800", 10, 10), ("1900", 10, 10)],
    },
    Plan {
        country: "ID",
        code: "62",
        trunk: &[
            ("8", 8, 12),
            ("2", 8, 11),
            ("3", 8, 11),
            ("4", 8, 11),
            ("5", 8, 11),
            ("6", 8, 11),
            ("7", 8, 11),
            ("9", 8, 11),
        ],
        bare: &[],
        service: &[("1500", 6, 7), ("1400", 7, 8)],
    },
    Plan {
        country: "VN",
        code: "84",
        trunk: &[
            ("3", 9, 9),
            ("5", 9, 9),
            ("7", 9, 9),
            ("8", 9, 9),
            ("9", 9, 9),
            ("2", 10, 10),
            ("1", 10, 10),
            ("4", 9, 9),
        ],
        bare: &[],
        service: &[("1800", 8, 10), ("1900", 8, 10)],
    },
    Plan {
        country: "PH",
        code: "63",
        trunk: &[
            ("9", 10, 10),
            ("2", 8, 9),
            ("3", 8, 10),
            ("4", 8, 10),
            ("5", 8, 10),
            ("6", 8, 10),
            ("7", 8, 10),
            ("8", 8, 10),
        ],
        bare: &[("9", 10, 10)],
        service: &[("1800", 11, 13)],
    },
    Plan {
        country: "KH",
        code: "855",
        trunk: &[
            ("1", 8, 9),
            ("2", 8, 9),
            ("3", 8, 9),
            ("4", 8, 9),
            ("5", 8, 9),
            ("6", 8, 9),
            ("7", 8, 9),
            ("8", 8, 9),
            ("9", 8, 9),
        ],
        bare: &[],
        service: &[("1800", 10, 10)],
    },
    Plan {
        country: "LA",
        code: "856",
        trunk: &[("20", 10, 10), ("30", 9, 9), ("2", 8, 8), ("3", 8, 8), ("4", 8, 8), ("5", 8, 8)],
        bare: &[],
        service: &[],
    },
    Plan { country: "MM", code: "95", trunk: &[("9", 8, 10), ("1", 7, 9), ("2", 7, 9)], bare: &[], service: &[] },
    Plan {
        country: "BN",
        code: "673",
        trunk: &[],
        bare: &[("2", 7, 7), ("3", 7, 7), ("4", 7, 7), ("5", 7, 7), ("7", 7, 7), ("8", 7, 7)],
        service: &[],
    },
    Plan { country: "TL", code: "670", trunk: &[], bare: &[("7", 8, 8), ("3", 7, 7)], service: &[] },
    Plan {
        country: "HK",
        code: "852",
        trunk: &[],
        bare: &[("2", 8, 8), ("3", 8, 8), ("5", 8, 8), ("6", 8, 8), ("9", 8, 8)],
        service: &[("1800", 9, 9)],
    },
    Plan {
        country: "TW",
        code: "886",
        trunk: &[("9", 9, 9), ("2", 9, 9), ("3", 8, 9), ("4", 8, 9), ("7", 8, 9)],
        bare: &[],
        service: &[("0800", 10, 10)],
    },
    Plan {
        country: "CN",
        code: "86",
        trunk: &[
            ("1", 10, 10),
            ("2", 10, 10),
            ("3", 10, 11),
            ("4", 10, 11),
            ("5", 10, 11),
            ("6", 10, 11),
            ("7", 10, 11),
            ("8", 10, 11),
            ("9", 10, 11),
        ],
        bare: &[
            ("13", 11, 11),
            ("14", 11, 11),
            ("15", 11, 11),
            ("16", 11, 11),
            ("17", 11, 11),
            ("18", 11, 11),
            ("19", 11, 11),
        ],
        service: &[("400", 10, 10), ("800", 10, 10)],
    },
    Plan {
        country: "IN",
        code: "91",
        trunk: &[
            ("6", 10, 10),
            ("7", 10, 10),
            ("8", 10, 10),
            ("9", 10, 10),
            ("1", 10, 10),
            ("2", 10, 10),
            ("3", 10, 10),
            ("4", 10, 10),
        ],
        bare: &[("6", 10, 10), ("7", 10, 10), ("8", 10, 10), ("9", 10, 10)],
        service: &[("1800", 10, 11), ("1860", 10, 11)],
    },
    Plan {
        country: "NG",
        code: "234",
        trunk: &[("7", 10, 10), ("8", 10, 10), ("9", 10, 10), ("1", 8, 8)],
        bare: &[],
        service: &[("0800", 11, 11)],
    },
    Plan {
        country: "GB",
        code: "44",
        trunk: &[("1", 9, 10), ("2", 10, 10), ("3", 10, 10), ("7", 10, 10), ("8", 9, 10), ("9", 10, 10)],
        bare: &[],
        service: &[],
    },
    Plan {
        country: "US",
        code: "1",
        trunk: &[],
        bare: &[
            ("2", 10, 10),
            ("3", 10, 10),
            ("4", 10, 10),
            ("5", 10, 10),
            ("6", 10, 10),
            ("7", 10, 10),
            ("8", 10, 10),
            ("9", 10, 10),
        ],
        service: &[("1", 11, 11)],
    },
    Plan {
        country: "AU",
        code: "61",
        trunk: &[("2", 9, 9), ("3", 9, 9), ("4", 9, 9), ("7", 9, 9), ("8", 9, 9)],
        bare: &[],
        service: &[("1300", 10, 10), ("1800", 10, 10)],
    },
    Plan {
        country: "JP",
        code: "81",
        trunk: &[("7", 10, 10), ("8", 10, 10), ("9", 10, 10), ("3", 9, 9), ("6", 9, 9), ("5", 9, 10), ("1", 9, 9)],
        bare: &[],
        service: &[],
    },
    Plan {
        country: "KR",
        code: "82",
        trunk: &[("10", 10, 10), ("2", 8, 9), ("3", 9, 10), ("4", 9, 10), ("5", 9, 10), ("6", 9, 10), ("7", 9, 10)],
        bare: &[],
        service: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_countries() {
        for plan in PLANS {
            let country = Country::parse(plan.country).unwrap();
            assert_eq!(country.calling_code(), Some(plan.code), "{country}");
        }
    }

    #[test]
    fn numbers_fit_their_country_only() {
        let fit = |country: &str, digits: &str| of(Country::parse(country).unwrap()).and_then(|p| p.fit(digits));
        assert_eq!(fit("SG", "61234567"), Some(Fit::Bare));
        assert_eq!(fit("SG", "18001111111"), Some(Fit::Service));
        assert_eq!(fit("TH", "0812345678"), Some(Fit::Trunk));
        assert_eq!(fit("TH", "081234567"), None);
        assert_eq!(fit("VN", "61234567"), None);
        assert!(abroad("66812345678").is_some_and(|p| p.country == "TH"));
        assert!(abroad("66112345678").is_none());
    }
}
