//! A10, N7: a name server that changes its mind, mixes, and chains. A name is looked up once, every address of the
//! answer is checked, and only such an answer is dialled.

use crate::sending::{call, client, get, grant};
use crate::servers::Ground;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::CNAME;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;
use vox_capabilities::http::StubResolver;
use vox_tests::luck::Luck;
use vox_tests::{need, needs};

const SEED: u64 = 0x7eb1;

/// Answers of the name server.
const ANSWERS: u64 = 1000;

/// What inside looks like to a resolver.
const INSIDE: [&str; 16] = [
    "127.0.0.1",
    "127.0.0.3",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:127.0.0.2",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "0.0.0.0",
    "10.1.2.3",
    "169.254.169.254",
    "192.168.1.1",
    "100.64.0.1",
    "fe80::1",
    "fd00::1",
    "224.0.0.1",
];

/// Public ones stand only beside addresses inside, so that nothing is ever dialled outside.
const PUBLIC: [&str; 3] = ["192.0.0.9", "8.8.8.8", "2606:4700::1111"];

/// What the server says to one question, and what may come of it.
#[derive(Clone, Debug)]
pub struct Plan {
    addresses: Vec<IpAddr>,
    /// Names between the name and its addresses.
    aliases: usize,
}

impl Plan {
    /// A random answer; the good address alone in about a quarter of them.
    pub fn of(luck: &mut Luck) -> Self {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap_or_else(|error| panic!("{text}: {error}"));
        let good = ip(Ground::GOOD);
        let mut addresses = match luck.below(4) {
            0 => vec![good],
            1 => vec![ip(luck.pick::<&str>(&INSIDE))],
            2 => vec![good, ip(luck.pick::<&str>(&INSIDE))],
            _ => vec![
                ip(luck.pick::<&str>(&PUBLIC)),
                good,
                ip(luck.pick::<&str>(&INSIDE)),
                ip(luck.pick::<&str>(&INSIDE)),
            ],
        };
        for from in (1..addresses.len()).rev() {
            addresses.swap(from, luck.below(from + 1));
        }
        addresses.dedup();
        Self { addresses, aliases: luck.below(4) }
    }

    /// Whether it leads to the good address and nowhere else.
    pub fn is_good(&self) -> bool {
        self.addresses.iter().all(|ip| ip.to_string() == Ground::GOOD)
    }

    /// The records that answer a question of one type. All of a lifetime of nothing.
    pub fn records(&self, name: &Name, wanted: RecordType) -> Vec<Record> {
        let mut records = Vec::new();
        let mut owner = name.clone();
        for alias in 0..self.aliases {
            let next = Name::from_ascii(format!("alias{alias}.{name}")).unwrap_or_else(|error| panic!("{error}"));
            records.push(Record::from_rdata(owner, 0, RData::CNAME(CNAME(next.clone()))));
            owner = next;
        }
        for ip in &self.addresses {
            let data = match ip {
                IpAddr::V4(ip) if wanted == RecordType::A => RData::A((*ip).into()),
                IpAddr::V6(ip) if wanted == RecordType::AAAA => RData::AAAA((*ip).into()),
                _ => continue,
            };
            records.push(Record::from_rdata(owner.clone(), 0, data));
        }
        records
    }
}

/// A name server that says what it was told last, whatever the name.
async fn server(plan: Arc<Mutex<Plan>>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("{error}"));
    let address = socket.local_addr().unwrap_or_else(|error| panic!("{error}"));
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let Ok(query) = Message::from_vec(&buffer[..length]) else { continue };
            let question = query.queries[0].clone();
            let mut answer = query.into_response();
            let plan = plan.lock().unwrap_or_else(|error| panic!("{error}")).clone();
            for record in plan.records(question.name(), question.query_type()) {
                answer.add_answer(record);
            }
            answer.metadata.response_code = ResponseCode::NoError;
            let bytes = answer.to_vec().unwrap_or_else(|error| panic!("{error}"));
            let _ = socket.send_to(&bytes, from).await;
        }
    });
    address
}

#[tokio::test]
async fn a_name_server_that_changes_its_mind_reaches_nothing() {
    let ground = need!("loopback addresses", Ground::start());
    let mut luck = Luck::of(SEED);
    let plan = Arc::new(Mutex::new(Plan::of(&mut luck)));
    let resolver = StubResolver::new(&[server(plan.clone()).await]).unwrap_or_else(|error| panic!("{error}"));
    let client = client(Arc::new(resolver));
    let mut dialled = 0;
    for round in 0..ANSWERS * needs::scale() {
        let now = Plan::of(&mut luck);
        *plan.lock().unwrap_or_else(|error| panic!("{error}")) = now.clone();
        // Half of the rounds ask for a name that had another answer a moment ago.
        let name = if round % 2 == 0 { "flips.example".to_owned() } else { format!("n{round}.example") };
        let url = format!("http://{name}:{}", ground.port());
        let http = call(&client, grant(&[url.clone(), ground.good.url()]));
        let uri = format!("{url}/").parse().unwrap_or_else(|error| panic!("{error}"));
        let answer = get(&http, uri).await;
        let what = format!("seed {SEED:#x}, round {round}: {now:?} gave {answer:?}");
        assert_eq!(answer.is_ok(), now.is_good(), "{what}");
        dialled += usize::from(answer.is_ok());
        ground.check(&what);
        assert_eq!(ground.good.accepted(), dialled, "{what}");
    }
    assert!(dialled > 100, "{dialled} answers were good");
}
