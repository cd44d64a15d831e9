//! Which language a text seems to be in: an honest guess by its script, and in Latin letters by function words.
//!
//! It is for rules that are about a language, and to tell reviewers who can read a text. It abstains when it is unsure, as it
//! is of texts of a few words, of names and of links alone. Indonesian and Malay cannot be told apart in a short
//! message: both are `id`.

use super::letter;

/// The languages that are told apart, by their ISO 639-1 codes.
pub const LANGUAGES: &[&str] = &["en", "id", "tl", "vi", "th", "zh", "km", "lo", "my", "hi"];

/// The language of a text as written; none when unsure.
#[must_use]
pub fn guess(text: &str) -> Option<&'static str> {
    let letters = Letters::of(text);
    if let Some((code, count)) = letters.own_script() {
        // A brand and a link are Latin in every language.
        return (count >= SCRIPT_LETTERS_MIN && count * 3 >= letters.latin).then_some(code);
    }
    if letters.vietnamese >= 2 && letters.vietnamese * 25 >= letters.latin {
        return Some("vi");
    }
    let votes = votes(text);
    let [(best, code), (second, _)] = first_two(votes)?;
    (best >= VOTES_MIN && best * 3 >= second * 4 && best > second).then_some(code)
}

/// Letters of a script that no Latin text has by chance.
const SCRIPT_LETTERS_MIN: usize = 3;
/// Function words that one language must have.
const VOTES_MIN: usize = 2;

#[derive(Default)]
struct Letters {
    latin: usize,
    /// Of `latin`, those that Vietnamese has and its neighbours have not.
    vietnamese: usize,
    thai: usize,
    lao: usize,
    khmer: usize,
    burmese: usize,
    devanagari: usize,
    han: usize,
    other: usize,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut all = Self::default();
        for c in text.chars() {
            let count = match u32::from(c) {
                0x41..=0x5a | 0x61..=0x7a => &mut all.latin,
                0xc0..=0x24f | 0x1e00..=0x1eff => {
                    all.latin += 1;
                    if is_vietnamese(c) {
                        all.vietnamese += 1;
                    }
                    continue;
                }
                0xe00..=0xe7f => &mut all.thai,
                0xe80..=0xeff => &mut all.lao,
                0x1000..=0x109f => &mut all.burmese,
                0x1780..=0x17ff => &mut all.khmer,
                0x900..=0x97f => &mut all.devanagari,
                0x3400..=0x4dbf | 0x4e00..=0x9fff => &mut all.han,
                // Kana and Hangul say that Han letters beside them are not Chinese.
                0x3040..=0x30ff | 0xac00..=0xd7af => &mut all.other,
                _ if letter::is_alphabetic(c) => &mut all.other,
                _ => continue,
            };
            *count += 1;
        }
        all
    }

    /// The language whose script has most letters, if any has one.
    fn own_script(&self) -> Option<(&'static str, usize)> {
        let all = [
            (self.thai, "th"),
            (self.lao, "lo"),
            (self.khmer, "km"),
            (self.burmese, "my"),
            (self.devanagari, "hi"),
            // One stands for a word.
            (self.han * 3, "zh"),
        ];
        let (count, code) = all.into_iter().max_by_key(|(count, _)| *count)?;
        let most = count.max(self.other);
        (count > 0 && count == most && (self.latin < count * 3 || count >= 10)).then_some((code, count))
    }
}

fn is_vietnamese(c: char) -> bool {
    matches!(c.to_lowercase().next().unwrap_or(c), 'ă' | 'đ' | 'ơ' | 'ư' | 'ĩ' | 'ũ' | 'ạ'..='ỹ')
}

fn votes(text: &str) -> [(usize, &'static str); 4] {
    let mut votes = [(0, "en"), (0, "id"), (0, "tl"), (0, "vi")];
    for token in text.split_whitespace() {
        // Links, addresses and numbers are of no language.
        if token.contains(['/', '@', '_']) || token.trim_end_matches('.').contains('.') {
            continue;
        }
        for word in token.split(|c: char| !letter::is_alphabetic(c)) {
            let mut room = [0; 12];
            let Some(small) = room.get_mut(..word.len()).filter(|r| !r.is_empty() && word.is_ascii()) else { continue };
            small.copy_from_slice(word.as_bytes());
            small.make_ascii_lowercase();
            let Ok(word) = std::str::from_utf8(small) else { continue };
            for ((count, _), words) in votes.iter_mut().zip([ENGLISH, MALAY, TAGALOG, VIETNAMESE]) {
                *count += usize::from(words.binary_search(&word).is_ok());
            }
        }
    }
    votes
}

fn first_two(mut votes: [(usize, &'static str); 4]) -> Option<[(usize, &'static str); 2]> {
    votes.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    votes.first_chunk().copied()
}

/// Whether a word in small letters is a function word of one of these languages: texts without it are few.
#[must_use]
pub fn is_function_word(word: &str) -> bool {
    [ENGLISH, MALAY, TAGALOG, VIETNAMESE].iter().any(|words| words.binary_search(&word).is_ok())
}

/// Function words, sorted. Words that two of these languages share are in none, or count for both.
const ENGLISH: &[&str] = &[
    "about", "after", "all", "am", "and", "any", "are", "as", "at", "be", "been", "but", "by", "call", "can", "did",
    "dont", "for", "from", "get", "go", "going", "good", "got", "had", "has", "have", "he", "her", "here", "his",
    "how", "i", "if", "in", "is", "it", "its", "just", "know", "let", "like", "me", "my", "need", "no", "not", "now",
    "of", "on", "one", "only", "or", "our", "out", "please", "she", "some", "that", "the", "then", "there", "they",
    "this", "time", "to", "today", "u", "up", "ur", "want", "was", "we", "what", "when", "where", "who", "will",
    "with", "would", "you", "your",
];
const MALAY: &[&str] = &[
    "ada", "adalah", "akan", "aku", "anda", "apa", "atau", "awak", "bagi", "banget", "beli", "bgt", "bisa", "boleh",
    "buat", "dah", "dalam", "dan", "dapat", "dapatkan", "dari", "dengan", "dgn", "di", "dpt", "ga", "gak", "gratis",
    "hanya", "hari", "hubungi", "ini", "itu", "jadi", "jangan", "jika", "juga", "kalau", "kalo", "kami", "kamu", "ke",
    "kita", "klik", "lagi", "lebih", "mau", "mohon", "nak", "nomor", "nya", "oleh", "pada", "pake", "paket", "pulsa",
    "sampai", "saya", "sdh", "sebesar", "segera", "sekarang", "sila", "silahkan", "silakan", "sudah", "sy", "tak",
    "tanpa", "tapi", "telah", "tidak", "tlp", "udah", "untuk", "utk", "ya", "yang", "yg",
];
const TAGALOG: &[&str] = &[
    "ako", "ang", "ano", "araw", "ating", "ay", "bago", "dahil", "din", "dito", "hindi", "inyo", "inyong", "ito",
    "iyo", "iyong", "ka", "kami", "kang", "kay", "ko", "kong", "kung", "lahat", "lang", "libre", "lng", "maging",
    "makakuha", "mga", "mo", "mong", "na", "naman", "namin", "nang", "nasa", "natin", "ng", "ngayon", "ni", "nito",
    "niya", "nyo", "oras", "pang", "para", "po", "pwede", "rin", "sa", "salamat", "sila", "siya", "tayo", "wala",
    "walang", "yan", "yung",
];
const VIETNAMESE: &[&str] = &[
    "anh", "ban", "bi", "cac", "chi", "cho", "chua", "chuc", "co", "cua", "cung", "da", "dang", "de", "den", "deu",
    "dich", "dien", "doi", "dong", "du", "dung", "duoc", "em", "giao", "gio", "hang", "hay", "hoac", "hom", "khach",
    "khau", "khi", "kho", "khong", "la", "lai", "len", "lien", "mat", "mot", "mua", "nay", "ngay", "nguoi", "nhan",
    "nhe", "nhieu", "nhu", "nhung", "phai", "qua", "quy", "ra", "roi", "sau", "se", "so", "tai", "thang", "thay",
    "theo", "thi", "thoai", "thuc", "tien", "toi", "trong", "tu", "va", "vao", "vay", "ve", "vi", "voi", "vui", "xac",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_words_are_sorted() {
        for words in [ENGLISH, MALAY, TAGALOG, VIETNAMESE] {
            assert!(words.is_sorted(), "{:?}", words.windows(2).find(|w| w.first() > w.last()));
            assert!(words.iter().all(|w| w.len() <= 12));
        }
    }

    #[test]
    fn a_text_shows_its_language() {
        for (text, language) in [
            ("Please call me when you are home", "en"),
            ("Nomor ini sudah tidak aktif, hubungi saya di sini", "id"),
            ("Sila bayar sekarang untuk elak denda", "id"),
            ("Nasa bahay na ako, nandito na ang mga bata", "tl"),
            ("Tài khoản của bạn đã bị khóa", "vi"),
            ("Tai khoan cua ban da bi khoa, vui long lien he", "vi"),
            ("KBank: ดูที่ kasikornbank.com ได้เลย", "th"),
            ("您的包裹滞留 post-fix.top", "zh"),
            ("គណនីរបស់អ្នកត្រូវបានចាក់សោ", "km"),
            ("ບັນຊີຂອງທ່ານຖືກລັອກ", "lo"),
            ("သင့်အကောင့်ကို ပိတ်ထားသည်", "my"),
            ("आपका खाता बंद है", "hi"),
        ] {
            assert_eq!(guess(text), Some(language), "{text}");
        }
    }

    #[test]
    fn it_abstains_when_it_is_unsure() {
        for text in
            ["", "OK", "482913", "dbs.com/the/and/of", "DBS", "Jl. Sudirman 12", "カードを確認してください", "ты где"]
        {
            assert_eq!(guess(text), None, "{text}");
        }
    }
}
