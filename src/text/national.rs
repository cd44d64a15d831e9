//! The national language tables of 3GPP TS 23.038 Annex A, named by the elements 0x24 and 0x25 of the user data header
//! (3GPP TS 23.040 §9.2.3.24.15, .16). Each line is one column of the standard's page, from top to bottom; combining
//! marks and letters that run from right to left are written as code points.

use super::gsm7::Table;

/// The locking shift table of a language (Annex A.3); it stands for the default alphabet.
pub(super) fn locking(language: u8) -> Option<&'static Table> {
    Some(match language {
        1 => &LOCKING_TURKISH,
        3 => &LOCKING_PORTUGUESE,
        4 => &LOCKING_BENGALI,
        5 => &LOCKING_GUJARATI,
        6 => &LOCKING_HINDI,
        7 => &LOCKING_KANNADA,
        8 => &LOCKING_MALAYALAM,
        9 => &LOCKING_ORIYA,
        10 => &LOCKING_PUNJABI,
        11 => &LOCKING_TAMIL,
        12 => &LOCKING_TELUGU,
        13 => &LOCKING_URDU,
        _ => return None,
    })
}

/// The single shift table of a language (Annex A.2); it stands for the extension table.
pub(super) fn single(language: u8) -> Option<&'static Table> {
    Some(match language {
        1 => &SINGLE_TURKISH,
        2 => &SINGLE_SPANISH,
        3 => &SINGLE_PORTUGUESE,
        4 => &SINGLE_BENGALI,
        5 => &SINGLE_GUJARATI,
        6 => &SINGLE_HINDI,
        7 => &SINGLE_KANNADA,
        8 => &SINGLE_MALAYALAM,
        9 => &SINGLE_ORIYA,
        10 => &SINGLE_PUNJABI,
        11 => &SINGLE_TAMIL,
        12 => &SINGLE_TELUGU,
        13 => &SINGLE_URDU,
        _ => return None,
    })
}

/// Whether the standard knows a language by this number (§6.2.1.2.4); 2 (Spanish) has no locking shift table.
pub(super) fn is_language(number: u8) -> bool {
    (1..=13).contains(&number)
}

/// What the single shift tables of Indian languages and Urdu begin with.
const SIGNS: &str = r#"@ £ $ ¥ ¿ " ¤ % & ' FF * + -- - /"#;

/// What they end with.
const CAPITALS: &str = "| A B C D E F G H I J K L M N O
    P Q R S T U V W X Y Z -- -- -- -- --
    -- -- -- -- -- €";

static LOCKING_TURKISH: Table = Table::read(&[
    "@ £ $ ¥ € é ù ı ò Ç LF Ğ ğ CR Å å",
    "Δ _ Φ Γ Λ Ω Π Ψ Σ Θ Ξ ESC Ş ş ß É",
    r#"SP ! " # ¤ % & ' ( ) * + , - . /"#,
    "0 1 2 3 4 5 6 7 8 9 : ; < = > ?",
    "İ A B C D E F G H I J K L M N O",
    "P Q R S T U V W X Y Z Ä Ö Ñ Ü §",
    "ç a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z ä ö ñ ü à",
]);

static LOCKING_PORTUGUESE: Table = Table::read(&[
    "@ £ $ ¥ ê é ú í ó ç LF Ô ô CR Á á",
    r"Δ _ ª Ç À ∞ ^ \ € Ó | ESC Â â Ê É",
    r#"SP ! " # º % & ' ( ) * + , - . /"#,
    "0 1 2 3 4 5 6 7 8 9 : ; < = > ?",
    "Í A B C D E F G H I J K L M N O",
    "P Q R S T U V W X Y Z Ã Õ Ú Ü §",
    "~ a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z ã õ ` ü à",
]);

static LOCKING_BENGALI: Table = Table::read(&[
    "0981 0982 0983 অ আ ই ঈ উ ঊ ঋ LF ঌ -- CR -- এ",
    "ঐ -- -- ও ঔ ক খ গ ঘ ঙ চ ESC ছ জ ঝ ঞ",
    "SP ! ট ঠ ড ঢ ণ ত ) ( থ দ , ধ . ন",
    "0 1 2 3 4 5 6 7 8 9 : ; -- প ফ ?",
    "ব ভ ম য র -- ল -- -- -- শ ষ স হ 09BC ঽ",
    "09BE 09BF 09C0 09C1 09C2 09C3 09C4 -- -- 09C7 09C8 -- -- 09CB 09CC 09CD",
    "ৎ a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z 09D7 09DC 09DD ৰ ৱ",
]);

static LOCKING_GUJARATI: Table = Table::read(&[
    "0A81 0A82 0A83 અ આ ઇ ઈ ઉ ઊ ઋ LF ઌ ઍ CR -- એ",
    "ઐ ઑ -- ઓ ઔ ક ખ ગ ઘ ઙ ચ ESC છ જ ઝ ઞ",
    "SP ! ટ ઠ ડ ઢ ણ ત ) ( થ દ , ધ . ન",
    "0 1 2 3 4 5 6 7 8 9 : ; -- પ ફ ?",
    "બ ભ મ ય ર -- લ ળ -- વ શ ષ સ હ 0ABC ઽ",
    "0ABE 0ABF 0AC0 0AC1 0AC2 0AC3 0AC4 0AC5 -- 0AC7 0AC8 0AC9 -- 0ACB 0ACC 0ACD",
    "ૐ a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z ૠ ૡ 0AE2 0AE3 0AF1",
]);

static LOCKING_HINDI: Table = Table::read(&[
    "0901 0902 0903 अ आ इ ई उ ऊ ऋ LF ऌ ऍ CR ऎ ए",
    "ऐ ऑ ऒ ओ औ क ख ग घ ङ च ESC छ ज झ ञ",
    "SP ! ट ठ ड ढ ण त ) ( थ द , ध . न",
    "0 1 2 3 4 5 6 7 8 9 : ; 0929 प फ ?",
    "ब भ म य र 0931 ल ळ 0934 व श ष स ह 093C ऽ",
    "093E 093F 0940 0941 0942 0943 0944 0945 0946 0947 0948 0949 094A 094B 094C 094D",
    "ॐ a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z ॲ ॻ ॼ ॾ ॿ",
]);

static LOCKING_KANNADA: Table = Table::read(&[
    "-- 0C82 0C83 ಅ ಆ ಇ ಈ ಉ ಊ ಋ LF ಌ -- CR ಎ ಏ",
    "ಐ -- ಒ ಓ ಔ ಕ ಖ ಗ ಘ ಙ ಚ ESC ಛ ಜ ಝ ಞ",
    "SP ! ಟ ಠ ಡ ಢ ಣ ತ ) ( ಥ ದ , ಧ . ನ",
    "0 1 2 3 4 5 6 7 8 9 : ; -- ಪ ಫ ?",
    "ಬ ಭ ಮ ಯ ರ ಱ ಲ ಳ -- ವ ಶ ಷ ಸ ಹ 0CBC ಽ",
    "0CBE 0CBF 0CC0 0CC1 0CC2 0CC3 0CC4 -- 0CC6 0CC7 0CC8 -- 0CCA 0CCB 0CCC 0CCD",
    "0CD5 a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z 0CD6 ೠ ೡ 0CE2 0CE3",
]);

static LOCKING_MALAYALAM: Table = Table::read(&[
    "-- 0D02 0D03 അ ആ ഇ ഈ ഉ ഊ ഋ LF ഌ -- CR എ ഏ",
    "ഐ -- ഒ ഓ ഔ ക ഖ ഗ ഘ ങ ച ESC ഛ ജ ഝ ഞ",
    "SP ! ട ഠ ഡ ഢ ണ ത ) ( ഥ ദ , ധ . ന",
    "0 1 2 3 4 5 6 7 8 9 : ; -- പ ഫ ?",
    "ബ ഭ മ യ ര റ ല ള ഴ വ ശ ഷ സ ഹ -- ഽ",
    "0D3E 0D3F 0D40 0D41 0D42 0D43 0D44 -- 0D46 0D47 0D48 -- 0D4A 0D4B 0D4C 0D4D",
    "0D57 a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z ൠ ൡ 0D62 0D63 0D79",
]);

static LOCKING_ORIYA: Table = Table::read(&[
    "0B01 0B02 0B03 ଅ ଆ ଇ ଈ ଉ ଊ ଋ LF ଌ -- CR -- ଏ",
    "ଐ -- -- ଓ ଔ କ ଖ ଗ ଘ ଙ ଚ ESC ଛ ଜ ଝ ଞ",
    "SP ! ଟ ଠ ଡ ଢ ଣ ତ ) ( ଥ ଦ , ଧ . ନ",
    "0 1 2 3 4 5 6 7 8 9 : ; -- ପ ଫ ?",
    "ବ ଭ ମ ଯ ର -- ଲ ଳ -- ଵ ଶ ଷ ସ ହ 0B3C ଽ",
    "0B3E 0B3F 0B40 0B41 0B42 0B43 0B44 -- -- 0B47 0B48 -- -- 0B4B 0B4C 0B4D",
    "0B56 a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z 0B57 ୠ ୡ 0B62 0B63",
]);

static LOCKING_PUNJABI: Table = Table::read(&[
    "0A01 0A02 0A03 ਅ ਆ ਇ ਈ ਉ ਊ -- LF -- -- CR -- ਏ",
    "ਐ -- -- ਓ ਔ ਕ ਖ ਗ ਘ ਙ ਚ ESC ਛ ਜ ਝ ਞ",
    "SP ! ਟ ਠ ਡ ਢ ਣ ਤ ) ( ਥ ਦ , ਧ . ਨ",
    "0 1 2 3 4 5 6 7 8 9 : ; -- ਪ ਫ ?",
    "ਬ ਭ ਮ ਯ ਰ -- ਲ 0A33 -- ਵ 0A36 -- ਸ ਹ 0A3C --",
    "0A3E 0A3F 0A40 0A41 0A42 -- -- -- -- 0A47 0A48 -- -- 0A4B 0A4C 0A4D",
    "0A51 a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z 0A70 0A71 ੲ ੳ ੴ",
]);

static LOCKING_TAMIL: Table = Table::read(&[
    "-- 0B82 ஃ அ ஆ இ ஈ உ ஊ -- LF -- -- CR எ ஏ",
    "ஐ -- ஒ ஓ 0B94 க -- -- -- ங ச ESC -- ஜ -- ஞ",
    "SP ! ட -- -- -- ண த ) ( -- -- , -- . ந",
    "0 1 2 3 4 5 6 7 8 9 : ; ன ப -- ?",
    "-- -- ம ய ர ற ல ள ழ வ ஶ ஷ ஸ ஹ -- --",
    "0BBE 0BBF 0BC0 0BC1 0BC2 -- -- -- 0BC6 0BC7 0BC8 -- 0BCA 0BCB 0BCC 0BCD",
    "ௐ a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z 0BD7 ௰ ௱ ௲ 0BF9",
]);

static LOCKING_TELUGU: Table = Table::read(&[
    "0C01 0C02 0C03 అ ఆ ఇ ఈ ఉ ఊ ఋ LF ఌ -- CR ఎ ఏ",
    "ఐ -- ఒ ఓ ఔ క ఖ గ ఘ ఙ చ ESC ఛ జ ఝ ఞ",
    "SP ! ట ఠ డ ఢ ణ త ) ( థ ద , ధ . న",
    "0 1 2 3 4 5 6 7 8 9 : ; -- ప ఫ ?",
    "బ భ మ య ర ఱ ల ళ -- వ శ ష స హ -- ఽ",
    "0C3E 0C3F 0C40 0C41 0C42 0C43 0C44 -- 0C46 0C47 0C48 -- 0C4A 0C4B 0C4C 0C4D",
    "0C55 a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z 0C56 ౠ ౡ 0C62 0C63",
]);

static LOCKING_URDU: Table = Table::read(&[
    "0627 0622 0628 067B 0680 067E 06A6 062A 06C2 067F LF 0679 067D CR 067A 067C",
    "062B 062C 0681 0684 0683 0685 0686 0687 062D 062E 062F ESC 068C 0688 0689 068A",
    "SP ! 068F 068D 0630 0631 0691 0693 ) ( 0699 0632 , 0696 . 0698",
    "0 1 2 3 4 5 6 7 8 9 : ; 069A 0633 0634 ?",
    "0635 0636 0637 0638 0639 0641 0642 06A9 06AA 06AB 06AF 06B3 06B1 0644 0645 0646",
    "06BA 06BB 06BC 0648 06C4 06D5 06C1 06BE 0621 06CC 06D0 06D2 064D 0650 064F 0657",
    "0654 a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z 0655 0651 0653 0656 0670",
]);

static SINGLE_TURKISH: Table = Table::read(&[
    "-- -- -- -- -- -- -- -- -- -- FF -- -- -- -- --",
    "-- -- -- -- ^ -- -- -- -- -- -- -- -- -- -- --",
    r"-- -- -- -- -- -- -- -- { } -- -- -- -- -- \",
    "-- -- -- -- -- -- -- -- -- -- -- -- [ ~ ] --",
    "| -- -- -- -- -- -- Ğ -- İ -- -- -- -- -- --",
    "-- -- -- Ş -- -- -- -- -- -- -- -- -- -- -- --",
    "-- -- -- ç -- € -- ğ -- ı -- -- -- -- -- --",
    "-- -- -- ş -- -- -- -- -- -- -- -- -- -- -- --",
]);

static SINGLE_SPANISH: Table = Table::read(&[
    "-- -- -- -- -- -- -- -- -- ç FF -- -- -- -- --",
    "-- -- -- -- ^ -- -- -- -- -- -- -- -- -- -- --",
    r"-- -- -- -- -- -- -- -- { } -- -- -- -- -- \",
    "-- -- -- -- -- -- -- -- -- -- -- -- [ ~ ] --",
    "| Á -- -- -- -- -- -- -- Í -- -- -- -- -- Ó",
    "-- -- -- -- -- Ú -- -- -- -- -- -- -- -- -- --",
    "-- á -- -- -- € -- -- -- í -- -- -- -- -- ó",
    "-- -- -- -- -- ú -- -- -- -- -- -- -- -- -- --",
]);

static SINGLE_PORTUGUESE: Table = Table::read(&[
    "-- -- -- -- -- ê -- -- -- ç FF Ô ô -- Á á",
    "-- -- Φ Γ ^ Ω Π Ψ Σ Θ -- -- -- -- -- Ê",
    r"-- -- -- -- -- -- -- -- { } -- -- -- -- -- \",
    "-- -- -- -- -- -- -- -- -- -- -- -- [ ~ ] --",
    "| À -- -- -- -- -- -- -- Í -- -- -- -- -- Ó",
    "-- -- -- -- -- Ú -- -- -- -- -- Ã Õ -- -- --",
    "-- Â -- -- -- € -- -- -- í -- -- -- -- -- ó",
    "-- -- -- -- -- ú -- -- -- -- -- ã õ -- -- â",
]);

static SINGLE_BENGALI: Table = Table::read(&[
    SIGNS,
    "< = > ¡ ^ ¡ _ # * ০ ১ -- ২ ৩ ৪ ৫",
    r"৬ ৭ ৮ ৯ 09DF ৠ ৡ 09E2 { } 09E3 09F2 09F3 ৴ ৵ \",
    "৶ ৷ ৸ ৹ 09FA -- -- -- -- -- -- -- [ ~ ] --",
    CAPITALS,
]);

static SINGLE_GUJARATI: Table = Table::read(&[
    SIGNS,
    "< = > ¡ ^ ¡ _ # * 0964 0965 -- ૦ ૧ ૨ ૩",
    r"૪ ૫ ૬ ૭ ૮ ૯ -- -- { } -- -- -- -- -- \",
    "-- -- -- -- -- -- -- -- -- -- -- -- [ ~ ] --",
    CAPITALS,
]);

static SINGLE_HINDI: Table = Table::read(&[
    SIGNS,
    "< = > ¡ ^ ¡ _ # * 0964 0965 -- ० १ २ ३",
    r"४ ५ ६ ७ ८ ९ 0951 0952 { } 0953 0954 0958 0959 095A \",
    "095B 095C 095D 095E 095F ॠ ॡ 0962 0963 0970 0971 -- [ ~ ] --",
    CAPITALS,
]);

static SINGLE_KANNADA: Table = Table::read(&[
    SIGNS,
    "< = > ¡ ^ ¡ _ # * 0964 0965 -- ೦ ೧ ೨ ೩",
    r"೪ ೫ ೬ ೭ ೮ ೯ ೞ ೱ { } ೲ -- -- -- -- \",
    "-- -- -- -- -- -- -- -- -- -- -- -- [ ~ ] --",
    CAPITALS,
]);

static SINGLE_MALAYALAM: Table = Table::read(&[
    SIGNS,
    "< = > ¡ ^ ¡ _ # * 0964 0965 -- ൦ ൧ ൨ ൩",
    r"൪ ൫ ൬ ൭ ൮ ൯ ൰ ൱ { } ൲ ൳ ൴ ൵ ൺ \",
    "ൻ ർ ൽ ൾ ൿ -- -- -- -- -- -- -- [ ~ ] --",
    CAPITALS,
]);

static SINGLE_ORIYA: Table = Table::read(&[
    SIGNS,
    "< = > ¡ ^ ¡ _ # * 0964 0965 -- ୦ ୧ ୨ ୩",
    r"୪ ୫ ୬ ୭ ୮ ୯ 0B5C 0B5D { } ୟ 0B70 ୱ -- -- \",
    "-- -- -- -- -- -- -- -- -- -- -- -- [ ~ ] --",
    CAPITALS,
]);

static SINGLE_PUNJABI: Table = Table::read(&[
    SIGNS,
    "< = > ¡ ^ ¡ _ # * 0964 0965 -- ੦ ੧ ੨ ੩",
    r"੪ ੫ ੬ ੭ ੮ ੯ 0A59 0A5A { } 0A5B ੜ 0A5E 0A75 -- \",
    "-- -- -- -- -- -- -- -- -- -- -- -- [ ~ ] --",
    CAPITALS,
]);

static SINGLE_TAMIL: Table = Table::read(&[
    SIGNS,
    "< = > ¡ ^ ¡ _ # * 0964 0965 -- ௦ ௧ ௨ ௩",
    r"௪ ௫ ௬ ௭ ௮ ௯ 0BF3 0BF4 { } 0BF5 0BF6 0BF7 0BF8 0BFA \",
    "-- -- -- -- -- -- -- -- -- -- -- -- [ ~ ] --",
    CAPITALS,
]);

static SINGLE_TELUGU: Table = Table::read(&[
    SIGNS,
    "< = > ¡ ^ ¡ _ # * -- -- -- ౦ ౧ ౨ ౩",
    r"౪ ౫ ౬ ౭ ౮ ౯ ౘ ౙ { } ౸ ౹ ౺ ౻ ౼ \",
    "౽ ౾ 0C7F -- -- -- -- -- -- -- -- -- [ ~ ] --",
    CAPITALS,
]);

static SINGLE_URDU: Table = Table::read(&[
    SIGNS,
    "< = > ¡ ^ ¡ _ # * 0600 0601 -- 06F0 06F1 06F2 06F3",
    r"06F4 06F5 06F6 06F7 06F8 06F9 060C 060D { } 060E 060F 0610 0611 0612 \",
    "0613 0614 061B 061F 0640 0652 0658 066B 066C 0672 0673 06CD [ ~ ] 06D4",
    CAPITALS,
]);

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells that are not empty, without the escape to the single shift table.
    #[test]
    fn no_table_lost_a_cell() {
        let count =
            |table: Option<&Table>| table.map(|t| (0..128).filter(|n| *n != 0x1b && t.get(*n).is_some()).count());
        let locking: Vec<_> = (1..=13).filter_map(|n| count(locking(n))).collect();
        assert_eq!(locking, [127, 127, 114, 120, 127, 120, 120, 116, 110, 102, 120, 127]);
        let single: Vec<_> = (1..=13).filter_map(|n| count(single(n))).collect();
        assert_eq!(single, [17, 19, 37, 82, 70, 88, 73, 82, 75, 76, 77, 78, 90]);
    }
}
