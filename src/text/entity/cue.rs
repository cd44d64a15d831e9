//! Words that tell a number to call from an account, a parcel and an amount, in the languages that most traffic is in.

use std::sync::LazyLock;

use super::words::Words;

/// What a word says of the digits behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Call,
    /// A text to send there, or a chat application: no short number is called by it.
    Write,
    /// An account, a parcel, an order.
    Other,
}

#[rustfmt::skip]
pub(super) static SAYS: LazyLock<Words<Says>> = LazyLock::new(|| {
    Words::by_last(&[
        (
            Says::Call,
            "call|calls|call us|dial|tel|telp|telpon|telepon|telefon|tlp|phone|mobile|hp|ph|hotline|helpline|\
             helpdesk|call center|call centre|contact|contacts|cp|enquiry|enquiries|inquiries|hubungi|hub|\
             talian|panggil|panggilan|cs|tawag|tumawag|tawagan|contactin|gọi|goi|gọi ngay|liên hệ|lien he|lh|\
             sđt|sdt|đt|dt|dien thoai|điện thoại|di động|di dong|tổng đài|tong dai|โทร|โทร.|ติดต่อ|เบอร์|คอลเซ็นเตอร์|สายด่วน|\
             电话|電話|致电|拨打|拨|热线|手机|联系|咨询|客服|ໂທ|ທູລະ|ទូរស័ព្ទ|លេខ|ဖုန်း|ဆက်သွယ်",
        ),
        (
            Says::Write,
            "whatsapp|wasap|watsapp|whatapp|whatsap|wa|ws|zalo|viber|telegram|tele|line|imo|signal|text|txt|sms|\
             msg|chat|pm|number|no|no.|nos|nombor|nomor|số|so|微信|加",
        ),
        (
            Says::Other,
            "account|accounts|acct|acc|a/c|ac|acc no|ac no|account no|acct no|acc no.|a/c no|a/c no.|\
             account number|acct number|rek|rek.|rekening|norek|no rek|no. rek|no.rek|no rekening|no. rekening|\
             va|virtual account|akaun|no akaun|stk|tk|tài khoản|tai khoan|số tài khoản|so tai khoan|số tk|so tk|\
             บัญชี|เลขบัญชี|เลขที่บัญชี|账号|帐号|账户|卡号|ref|ref.|ref no|ref no.|reference|rujukan|no rujukan|\
             no. rujukan|order|order no|order number|pesanan|no pesanan|no. pesanan|invoice|inv|inv no|\
             invoice no|bill|receipt|resit|resi|no resi|no. resi|awb|tracking|tracking no|tracking number|trk|\
             parcel|bungkusan|consignment|订单|订单号|单号|运单|运单号|พัสดุ|เลขพัสดุ|คำสั่งซื้อ|อ้างอิง|mã đơn|ma don|\
             mã vận đơn|ma van don|mã kh|ma kh|mã gd|ma gd|mã giao dịch|ma giao dich|trx|txn|transaction|trans|\
             trans id|id|no id|id no|ic|no ic|ic no|nik|ktp|passport|cmnd|cccd|pin|otp|kode|code|kod|รหัส|\
             验证码|mã|token|serial|sn|s/n|imei|meter|customer no|idpel|policy|case|ticket|loan|card|kartu|kad|thẻ|\
             so the|ma the|บัตร",
        ),
    ])
});

/// What is counted, behind few digits.
#[rustfmt::skip]
pub(super) static UNITS: LazyLock<Words<()>> = LazyLock::new(|| {
    Words::by_first(&[(
        (),
        "min|mins|minute|minutes|minit|menit|mnt|nminutes|phút|phut|p|sec|secs|saat|giây|hour|hours|jam|times|\
         kali|days|hari|ngày|ngay|sms|mms|mb|gb|đ|d|vnd|dong|rb|ribu|k|%|นาที|ครั้ง|บาท|บ.|วัน|วินาที|ชม|分钟|元|次|\
         天|naira|baht|people|orang|người|nguoi|customers",
    )])
});

/// Between two numbers of which the first is one to call.
#[rustfmt::skip]
pub(super) const OR: &[&str] = &[
    "/",
    ",",
    ", ",
    " / ",
    " or ",
    " & ",
    " and ",
    " atau ",
    " dan ",
    " hoặc ",
    " hoac ",
    "、",
    " หรือ ",
    "或",
    ";",
    "; ",
    " - ",
    " o ",
];
