//! Laws of decoding, over the shared messages, over other languages, and over anything at all.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly, and reports rates"
)]

mod cases;
mod dress;
mod laws;
mod rates;
mod rules;

use std::fs;
use std::path::Path;

use dress::{Dress, Nation};
use rates::Rates;
use tapis::text::{Anomaly, Reading};

/// Every shared message that did not lose its alphabet before it was collected.
fn messages() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}: the messages are needed", folder.display()));
    let mut files: Vec<_> =
        entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|x| x == "tsv")).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        for line in fs::read_to_string(&file).unwrap().lines().skip(1) {
            let row: Vec<&str> = line.split('\t').collect();
            let [_, _, text, ..] = row[..] else { panic!("{}: {line}", file.display()) };
            all.push(text.to_owned());
        }
    }
    let count = all.len();
    all.retain(|text| !dress::is_damaged(text));
    assert!(all.len() > 30_000 && count - all.len() < 400, "{} of {count} messages", all.len());
    all
}

fn told(text: &str, reading: &Reading) -> String {
    let anomalies: Vec<_> = reading.anomalies().iter().map(Anomaly::name).collect();
    format!("{text:?} is read {:?} {anomalies:?}", reading.text())
}

fn is_honestly_read(text: &str, reading: &Reading) -> bool {
    reading.text() == text && reading.anomalies().is_empty() && reading.undecodable().is_none()
}

/// Right, with an anomaly; in doubt the right text may be the second.
fn is_seen_through(text: &str, dress: &Dress, reading: &Reading) -> bool {
    let second = reading.text().get(reading.shown().len()..).and_then(|rest| rest.strip_prefix('\n'));
    let told = !reading.anomalies().is_empty();
    (reading.shown() == text || (second == Some(text) && reading.anomalies().has(Anomaly::TwoReadings)))
        && (told || dress.octets.is_empty())
}

#[test]
fn an_honest_text_is_read_as_it_is_and_nothing_is_wrong_with_it() {
    let nations: Vec<Nation> = (1..=13).map(Nation::new).collect();
    let (mut reading, mut rates) = (Reading::default(), Rates::default());
    for (turn, text) in messages().iter().enumerate() {
        for dress in dress::honest(text, &nations, turn) {
            dress.read(&mut reading);
            rates.count(&dress.name, is_honestly_read(text, &reading), || told(text, &reading));
        }
    }
    // What is left are texts in which a `¡`, `¿` or `¤` stands for an `@`, `-` or `$`: someone read them by the book.
    rates.hold(0.9999, 0.999);
}

#[test]
fn a_lying_coding_hides_no_text_and_is_told() {
    let (mut reading, mut rates) = (Reading::default(), Rates::default());
    for (turn, text) in messages().iter().enumerate() {
        // Each message in a quarter of the ways, and so each way with a quarter of the messages.
        for dress in dress::lying(text).iter().skip(turn % 4).step_by(4) {
            dress.read(&mut reading);
            rates.count(&dress.name, is_seen_through(text, dress, &reading), || told(text, &reading));
        }
    }
    rates.hold(0.999, 0.995);
}

#[test]
fn signs_that_two_alphabets_share_are_seen_both_ways() {
    let (mut reading, mut rates) = (Reading::default(), Rates::default());
    for text in &messages() {
        if let Some(dress) = dress::signs(text) {
            dress.read(&mut reading);
            rates.count(&dress.name, is_seen_through(text, &dress, &reading), || told(text, &reading));
        }
    }
    rates.hold(0.98, 0.98);
}

/// Not only the languages of the shared messages: own sentences, one or two a language.
#[test]
fn other_languages_are_read_as_well() {
    let nations: Vec<Nation> = (1..=13).map(Nation::new).collect();
    let (mut reading, mut honest, mut lying) = (Reading::default(), Rates::default(), Rates::default());
    for text in SENTENCES {
        for turn in 0..nations.len() {
            for dress in dress::honest(text, &nations, turn) {
                dress.read(&mut reading);
                honest.count(&dress.name, is_honestly_read(text, &reading), || told(text, &reading));
            }
        }
        for dress in dress::lying(text) {
            dress.read(&mut reading);
            lying.count(&dress.name, is_seen_through(text, &dress, &reading), || told(text, &reading));
        }
    }
    honest.hold(1.0, 1.0);
    lying.hold(1.0, 1.0);
}

const SENTENCES: &[&str] = &[
    "Your parcel waits at the depot. Pay 2.50 at post-office.example/pay_now",
    "Grüße aus Köln! Öffne bitte die Tür, der Schlüssel liegt dort. Straße 5",
    "¿Dónde estás? ¡Llámame mañana! El año que viene será mejor, señor Núñez.",
    "Votre colis est arrivé à l'entrepôt. Réglez les frais: 1,99 € avant lundi.",
    "Sua conta será bloqueada. Não ignore: confirme já os seus dados, é urgente!",
    "Il tuo pacco è fermo: c'è da pagare. Perché aspetti? Città di Forlì.",
    "Din pakke er på vei. Følg den på nettet, så får du vite når den kommer. Ærlig!",
    "Pakettiisi liittyvä maksu on maksamatta. Käy heti sivulla, ystävä hyvä.",
    "Hesabınız askıya alındı, lütfen şifrenizi güncelleyin: ğüşiöç İstanbul",
    "Twoja paczka została zatrzymana. Dopłać 1,20 zł, żeby ją otrzymać.",
    "Csomagja érkezett, kérjük fizesse ki a szállítási díjat: őűáé",
    "Ваша посылка задержана на складе. Оплатите доставку по ссылке сегодня.",
    "Вашата пратка е задържана. Платете таксата, за да я получите.",
    "Το δέμα σας κρατείται. Πληρώστε τα έξοδα αποστολής σήμερα.",
    "חבילה ממתינה לך בסניף הדואר. יש לשלם דמי משלוח עוד היום.",
    "طردك محتجز في المستودع. ادفع الرسوم الآن لتجنب الإرجاع.",
    "آپ کا پارسل گودام میں رکا ہوا ہے۔ فیس ادا کریں۔",
    "आपका खाता बंद कर दिया गया है। कृपया अभी अपना विवरण अपडेट करें।",
    "আপনার অ্যাকাউন্ট স্থগিত করা হয়েছে। এখনই যাচাই করুন।",
    "உங்கள் கணக்கு முடக்கப்பட்டது. உடனே சரிபார்க்கவும்.",
    "మీ ఖాతా నిలిపివేయబడింది. వెంటనే ధృవీకరించండి.",
    "ನಿಮ್ಮ ಖಾತೆ ಸ್ಥಗಿತಗೊಂಡಿದೆ. ಈಗಲೇ ಪರಿಶೀಲಿಸಿ.",
    "നിങ്ങളുടെ അക്കൗണ്ട് മരവിപ്പിച്ചു. ഉടൻ പരിശോധിക്കുക.",
    "તમારું ખાતું બંધ કરવામાં આવ્યું છે. હમણાં જ ચકાસો.",
    "ਤੁਹਾਡਾ ਖਾਤਾ ਬੰਦ ਕਰ ਦਿੱਤਾ ਗਿਆ ਹੈ। ਹੁਣੇ ਜਾਂਚ ਕਰੋ।",
    "ආයුබෝවන්, ඔබගේ ගිණුම අත්හිටුවා ඇත.",
    "พัสดุของคุณถูกระงับ กรุณาชำระค่าธรรมเนียมที่ post-th.example",
    "ບັນຊີຂອງທ່ານຖືກລະງັບ ກະລຸນາຢືນຢັນດຽວນີ້",
    "သင့်အကောင့်ကို ပိတ်ထားပါသည်။ ယခုအတည်ပြုပါ။",
    "គណនីរបស់អ្នកត្រូវបានផ្អាក សូមបញ្ជាក់ឥឡូវនេះ",
    "Tài khoản của quý khách đã bị khóa. Vui lòng xác minh ngay hôm nay!",
    "您的账户存在异常，请立即登录 bank.example 进行验证，逾期将被冻结。",
    "您的包裹因地址不詳無法投遞,請點擊連結更新資料。",
    "お荷物のお届けにあがりましたが不在の為持ち帰りました。ご確認ください。",
    "고객님의 택배가 주소 불명으로 반송되었습니다. 주소를 확인해 주세요.",
    "მოგესალმებით, თქვენი ანგარიში დაბლოკილია.",
    "Ձեր հաշիվը արգելափակված է, խնդրում ենք հաստատել:",
    "ሂሳብዎ ታግዷል፣ እባክዎ አሁን ያረጋግጡ።",
    "You won 🎉🎉 a new phone 📱! Claim it now 👉 prize.example/🎁",
    "𝐕𝐞𝐫𝐢𝐟𝐲 𝐲𝐨𝐮𝐫 𝐚𝐜𝐜𝐨𝐮𝐧𝐭 at bank.example now",
    "Ｖｅｒｉｆｙ　ｙｏｕｒ　ａｃｃｏｕｎｔ　ｎｏｗ",
    "V\u{200b}e\u{200b}r\u{200b}i\u{200b}f\u{200b}y your account, аccоunt hоldеr",
];

/// Once its buffers have grown, reading octets asks for no memory: neither a plain text nor one that is weighed, nor the
/// parts of one.
#[test]
fn decoding_allocates_nothing_once_warm() {
    let nations: Vec<Nation> = (1..=13).map(Nation::new).collect();
    let ways = |text| [dress::honest(text, &nations, 3), dress::lying(text)].concat();
    let dresses: Vec<Dress> = SENTENCES.iter().flat_map(|text| ways(text)).collect();
    let mut reading = Reading::default();
    let mut read_all = || {
        for dress in &dresses {
            dress.read(&mut reading);
            reading.decode(&[dress.user_data(), dress.user_data()], &dress.context());
        }
    };
    read_all();
    let counted = allocation_counter::measure(read_all);
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0), "over {} ways", dresses.len());
}
