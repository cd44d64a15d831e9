//! The matching form by example: what is undone, what is left alone, and that places are kept.

use super::*;

fn folded(text: &str) -> String {
    let mut out = String::new();
    fold(text, &mut out);
    out
}

fn read(text: &str) -> Views {
    let mut views = Views::default();
    views.read(text);
    views.undo(text, &|_| false);
    views
}

fn undone(text: &str) -> Vec<String> {
    read(text).undone().map(str::to_owned).collect()
}

#[test]
fn what_stands_for_a_letter_is_read_as_one() {
    for (text, read) in [
        ("КВаnk", "kbank"),
        ("ＤＢＳ　Ｂａｎｋ", "dbs bank"),
        ("𝗞𝗕𝗮𝗻𝗸 ⓑⓐⓝⓚ ⒮⒧⒪⒯ 🅑🄰🅝🅺", "kbank bank slot bank"),
        ("Kb\u{200b}an\u{ad}k B\u{336}a\u{336}n\u{336}k\u{336}", "kbank bank"),
        ("Giảm giá, Đặt ngay!", "giam gia dat ngay"),
        ("Gia\u{309}m gia\u{301}", "giam gia"),
        ("don't — WON’T", "dont wont"),
        ("NHAN'TIEN t'rima Y'ello o’clock", "nhan tien trima yello oclock"),
        ("OTP 482913, RM1,250.00", "otp 482913 rm1 250 00"),
        ("ทํางาน เเจก น้ํา บๅท", "ทำงาน แจก น้ำ บาท"),
        ("ยืนยันที่ ๐๘๑", "ยืนยันที่ 081"),
        ("Brand™ DBS® 10㎏", "brand dbs 10kg"),
        ("🇸🇬DBS", "dbs"),
        ("KBa์nk ยื่นnู้", "kbank ยื่นnู้"),
        ("🇧 🇦 🇳 🇰", "b a n k"),
        ("...!?", ""),
        ("a\u{a0}\u{3000}b\tc\r\nd", "a b c d"),
        ("a\u{1d1bb}", "a"),
    ] {
        assert_eq!(folded(text), read, "{text}");
    }
}

#[test]
fn the_plain_view_keeps_punctuation_and_look_alikes() {
    for (text, read) in [
        ("ＨＴＴＰ：／／Ｋbank。Ｘyz／①", "http://kbank.xyz/1"),
        ("K\u{200b}B\u{ad}ank\u{a0}\u{3000}a\r\nb", "kbank  a \nb"),
        ("𝟎𝟖𝟏-𝟐𝟑, Кв.com", "081-23, кв.com"),
        ("Đặt ยืนยัน ทํางาน", "đặt ยืนยัน ทํางาน"),
        ("it’s “OK” – A/B", "it's \"ok\" - a/b"),
    ] {
        assert_eq!(super::tests::read(text).plain(), read, "{text}");
    }
}

#[test]
fn letters_of_our_scripts_stay_unless_they_stand_among_latin_ones() {
    assert_eq!(folded("KBZPayဝယ် ဝဝ"), "kbzpayဝယ် ဝဝ");
    assert_eq!(folded("faceb\u{101d}\u{101d}k"), "facebook");
}

#[test]
fn a_second_reading_is_made_where_something_looks_disguised() {
    for (text, read) in [
        ("P1njaman t4npa agunan 5-500jt, min4t", vec!["pinjaman tanpa agunan 5 500jt minat"]),
        ("CAS1NO S!ot c0de", vec!["casino siot code"]),
        ("your b a n k is", vec!["your bank is"]),
        ("B.a.n.k B_A_N_K", vec!["bank bank"]),
        ("F R E E  G I F T now", vec!["free gift now"]),
        ("d!eu'k!en", vec!["dieukien"]),
        ("Qu.a Ba,raha", vec!["qua baraha"]),
        ("c@$!no", vec!["casino"]),
        ("B0nu$ @gunan usah@ ok", vec!["bonus agunan usaha ok"]),
        ("baaank freeee", vec!["bank fre", "baank free"]),
        ("ฝาnรัu", vec!["ฝากรับ", "ฝานรัน", "ฝาทรับ"]),
        ("โปรมๅllรง", vec!["โปรมาแรง", "โปรมาแรง", "โปรมาแรง"]),
        ("Rp500 4G MP3 5jt 10am 2nd US$50 OTP 4821", vec![]),
        ("I am a man, don't worry", vec![]),
    ] {
        assert_eq!(undone(text), read, "{text}");
    }
}

#[test]
fn disguises_are_counted_by_kind_and_honest_texts_have_none() {
    let kinds = |text: &str| {
        let views = read(text);
        Kind::ALL
            .into_iter()
            .filter(|k| views.disguises().iter().any(|d| d.kind == *k))
            .map(Kind::name)
            .collect::<Vec<_>>()
    };
    for (text, found) in [
        ("your bаnk", vec!["confusable"]),
        ("ｂａｎｋ now", vec!["width"]),
        ("𝗯𝗮𝗻𝗸", vec!["math"]),
        ("ⓑⓐⓝⓚ", vec!["enclosed"]),
        ("b\u{200b}ank", vec!["invisible"]),
        ("b\u{202e}ank", vec!["bidi"]),
        ("b\u{336}ank", vec!["overlay"]),
        ("p1njaman", vec!["leet"]),
        ("b a n k", vec!["spaced"]),
        ("ba*nk d|eu", vec!["leet", "shredded"]),
        ("bannnk", vec!["repeated"]),
        ("baaank", vec![]),
        ("b4nk, baaank", vec!["leet", "repeated"]),
        ("ยืนยัน\u{200b}ตัวตน 25\u{feff}65", vec![]),
        ("Приветствуем, ваш код 1234", vec![]),
        ("Giảm giá Đặt ngay, don't e-mail A/B 10am", vec![]),
        ("1️⃣ ℹ️ Info 🇸🇬 ✔️ ok", vec![]),
        ("ＡＴＭ取款，１００元", vec![]),
    ] {
        assert_eq!(kinds(text), found, "{text}");
    }
    assert_eq!(read("b a n k").obfuscation(), 75);
    assert_eq!(read("your bank").obfuscation(), 0);
}

#[test]
fn a_match_finds_its_place_in_the_text() {
    let text = "«Bаnk», ยืนยัน  P1Nj4man ok";
    let views = read(text);
    for (word, shown) in [("bank", "Bаnk"), ("ยืนยัน", "ยืนยัน"), ("p1nj4man", "P1Nj4man")] {
        let at = views.folded().find(word).unwrap();
        assert_eq!(&text[views.written(text, &(at..at + word.len()))], shown);
    }
    let undone = views.undone().next().unwrap();
    let at = views.undone_start() + undone.find("pinjaman").unwrap();
    assert_eq!(&text[views.written(text, &(at..at + 8))], "P1Nj4man");
    assert_eq!(views.read_as(text, &views.written(text, &(at..at + 8))), "pinjaman");
}
