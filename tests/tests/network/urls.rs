//! Spellings of places: of addresses inside, of names that lead there, and of what good URLs look like.

use std::net::{Ipv4Addr, Ipv6Addr};
use vox_tests::luck::Luck;

/// Addresses that no skill may reach. The first is where the sentinels are.
const INSIDE: [Ipv4Addr; 8] = [
    Ipv4Addr::new(127, 0, 0, 1),
    Ipv4Addr::new(127, 0, 0, 3),
    Ipv4Addr::new(0, 0, 0, 0),
    Ipv4Addr::new(10, 0, 0, 1),
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(172, 16, 0, 1),
    Ipv4Addr::new(192, 168, 0, 1),
    Ipv4Addr::new(100, 100, 100, 200),
];

/// Names that lead inside somewhere.
const NAMES: [&str; 22] = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "localhost.localdomain",
    "ip6-localhost",
    "metadata",
    "metadata.google.internal",
    "metadata.google.internal.",
    "instance-data.ec2.internal",
    "host.docker.internal",
    "kubernetes.default.svc",
    "127.0.0.1.nip.io",
    "7f000001.nip.io",
    "127-0-0-1.sslip.io",
    "localtest.me",
    "ⓛocalhost",
    "ｌｏｃａｌｈｏｓｔ",
    "loc\u{ad}alhost",
    "xn--localhost-.example",
    "good.example.",
    "GOOD.example",
];

/// An address in every way in which somebody might write it.
pub fn hosts(ip: Ipv4Addr, luck: &mut Luck) -> Vec<String> {
    let [a, b, c, d] = ip.octets();
    let number = u32::from(ip);
    let (high, low) = (number >> 16, number & 0xffff);
    let text = ip.to_string();
    let wide = |from: char| -> String {
        let digit = |ch: char| ch.to_digit(10).and_then(|n| char::from_u32(from as u32 + n)).unwrap_or(ch);
        text.chars().map(digit).collect()
    };
    let circled = |ch: char| match ch.to_digit(10) {
        Some(0) => '⓪',
        Some(n) => char::from_u32('①' as u32 + n - 1).unwrap_or(ch),
        None => ch,
    };
    let mut all = vec![
        text.clone(),
        number.to_string(),
        format!("{number:#x}"),
        format!("{number:#X}"),
        format!("0{number:o}"),
        format!("{}", u64::from(number) + (1 << 32)),
        format!("{a}.{}", number & 0xff_ffff),
        format!("{a}.{b}.{low}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a:03}.{b:03}.{c:03}.{d:03}"),
        format!("{}.{}.{}.{}", u16::from(a) + 256, u16::from(b) + 256, c, d),
        format!("{text}."),
        format!("{text}.."),
        format!(".{text}"),
        format!("{text}.0"),
        text.replace('.', ".."),
        text.replace('.', "。"),
        text.replace('.', "．"),
        text.replace('.', "｡"),
        text.replace('.', "%2e"),
        text.replace('.', "%2E"),
        text.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        wide('０'),
        wide('𝟎'),
        wide('٠'),
        text.chars().map(circled).collect(),
        format!("+{text}"),
        format!("-{text}"),
        format!("0{text}"),
        format!("{text}%00"),
        format!("[{text}]"),
    ];
    // Inside IPv6: mapped, compatible, translated, 6to4, Teredo (which inverts it), ISATAP, NAT64.
    for inside in [
        format!("::ffff:{text}"),
        format!("::ffff:{high:x}:{low:x}"),
        format!("0:0:0:0:0:ffff:{high:x}:{low:x}"),
        format!("::{text}"),
        format!("::{high:x}:{low:x}"),
        format!("::ffff:0:{text}"),
        format!("64:ff9b::{text}"),
        format!("64:ff9b::{high:x}:{low:x}"),
        format!("64:ff9b:1::{high:x}:{low:x}"),
        format!("2002:{high:x}:{low:x}::"),
        format!("2001:0:0:0:0:0:{:x}:{:x}", !high & 0xffff, !low & 0xffff),
        format!("fe80::5efe:{high:x}:{low:x}"),
        format!("::FFFF:{text}"),
    ] {
        all.push(format!("[{inside}]"));
    }
    // Each part in a base of its own.
    for _ in 0..4 {
        let part = |luck: &mut Luck, part: u8| match luck.below(4) {
            0 => format!("{part:#x}"),
            1 => format!("0{part:o}"),
            2 => format!("{part:02}"),
            _ => part.to_string(),
        };
        let parts = [a, b, c, d].map(|byte| part(luck, byte));
        all.push(parts.join("."));
    }
    all
}

/// Spellings of this machine's own IPv6 address and of its neighbours.
fn own_v6() -> Vec<String> {
    let mut all: Vec<String> =
        [Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED].map(|ip| format!("[{ip}]")).into_iter().collect();
    all.extend(
        [
            "[0:0:0:0:0:0:0:1]",
            "[::0001]",
            "[0000::1]",
            "[::1%lo]",
            "[::1%25lo]",
            "[::1%251]",
            "[fe80::1%25eth0]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[FD00::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[::1].",
            "[::1]x",
            "::1",
            "[::1",
            "::1]",
            "[[::1]]",
            "[v1.x]",
        ]
        .map(str::to_owned),
    );
    all
}

/// A host in the tricks that make a URL look as if it led to `good`.
fn tricks(host: &str, good: &str, port: u16) -> Vec<String> {
    let at = format!("{host}:{port}");
    [
        format!("http://user@{at}/"),
        format!("http://user:pw@{at}/"),
        format!("http://{good}@{at}/"),
        format!("http://{good}%40{at}/"),
        format!("http://{good}#@{at}/"),
        format!("http://{good}%23@{at}/"),
        format!("http://{good}\\@{at}/"),
        format!("http://{at}\\@{good}/"),
        format!("http://{good}%5c@{at}/"),
        format!("http://{good}\t@{at}/"),
        format!("http://{good} @{at}/"),
        format!("http://{good}%00@{at}/"),
        format!("http://{good}\r\nhost: {at}\r\n/"),
        format!("http://{at}#{good}/"),
        format!("http://{at}?@{good}/"),
        format!("http://@{at}/"),
        format!("http:// {at}/"),
        format!("http://{at} /"),
        format!("http://\u{200b}{at}/"),
        format!("http:///{at}/"),
        format!("http:/{at}/"),
        format!("http:{at}/"),
        format!("http:\\\\{at}\\"),
        format!("//{at}/"),
        format!("HTTP://{at}/"),
        format!("hTTps://{at}/"),
        format!("ftp://{at}/"),
        format!("gopher://{at}/_x"),
        format!("ws://{at}/"),
        format!("file://{at}/"),
        format!("view-source:http://{at}/"),
        format!("http://{host}:0{port}/"),
        format!("http://{host}:+{port}/"),
        format!("http://{host}: {port}/"),
        format!("http://{host}:{}/", u32::from(port) + 65536),
        format!("http://{host}:{port}:80/"),
        format!("http://{host}:{port}%20/"),
        format!("http://{host}:/"),
        format!("http://{host}/"),
        format!("https://{at}/"),
    ]
    .into()
}

/// At least 500 URLs that lead inside, or nowhere: every spelling of [`INSIDE`] on the sentinels' port, the tricks with
/// `good`, which is what is granted, and as many random ones again as asked for.
pub fn inside(good: &str, port: u16, random: u64, luck: &mut Luck) -> Vec<String> {
    let mut all = Vec::new();
    for ip in INSIDE {
        all.extend(hosts(ip, luck).into_iter().map(|host| format!("http://{host}:{port}/")));
    }
    for host in own_v6().into_iter().chain(NAMES.map(str::to_owned)) {
        all.push(format!("http://{host}:{port}/"));
    }
    for host in ["127.0.0.1", "[::1]", "localhost", "2130706433"] {
        all.extend(tricks(host, good, port));
    }
    // Other spellings of the very address that is granted.
    let granted = good.split(':').next().and_then(|host| host.parse().ok());
    let other = granted.map(|ip| hosts(ip, luck)).unwrap_or_default();
    all.extend(other.into_iter().skip(1).map(|host| format!("http://{host}:{port}/")));
    for _ in 0..random {
        let ip = *luck.pick(&INSIDE);
        let all_hosts = hosts(ip, luck);
        let host = luck.pick(&all_hosts).clone();
        let mut url = luck.pick(&tricks(&host, good, port)).clone();
        if luck.below(2) == 0 {
            let places: Vec<usize> = url.char_indices().map(|(at, _)| at).collect();
            url.insert(*luck.pick(&places), *luck.pick(&['%', '@', '#', '\\', '.', ':', '/', '[', '\t', '0', '。']));
        }
        all.push(url);
    }
    all
}

/// A hundred URLs that a skill might well use, all to the one place.
pub fn good(origin: &str) -> Vec<String> {
    let paths =
        ["", "/", "/a", "/a/", "/a/b.json", "/a%20b", "/%C3%A9", "/a;v=1", "/~user", "/a,b", "/a:b", "/@x", "/a.b/..."];
    let queries = ["", "?", "?a=b", "?a=b&c=d", "?q=%2f..%2f", "?url=http://127.0.0.1/", "?a='b'", "?@127.0.0.1"];
    let all = paths.iter().flat_map(|path| queries.map(|query| format!("{origin}{path}{query}")));
    all.take(100).collect()
}

/// Whether a URL is, to the letter, one of the granted origin.
pub fn is_granted(url: &str, origin: &str) -> bool {
    url.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}
