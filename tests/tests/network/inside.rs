//! N1, N7, N8 of the threat model through the command: a network of its own, with a name server that lies and with
//! servers at addresses inside, where nobody may come. `docs/attacks.md` says which row is tested where.

use crate::attacks::{each, place};
use crate::rebinding::Plan;
use crate::servers::{Ground, Server, answer, heard};
use hickory_resolver::proto::op::Message;
use std::collections::BTreeSet;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use vox_tests::luck::Luck;
use vox_tests::program::ran;
use vox_tests::{need, needs};

const SEED: u64 = 0x1d51de;

/// Set in the process that runs in a network of its own.
const MARK: &str = "VOX_TEST_NETWORK";

/// Calls of a run, and names that each of them asks for.
const CALLS: u64 = 6;
const NAMES: usize = 30;

/// Addresses inside that the network has, besides those of the loopback.
const INSIDE: [&str; 5] = ["10.1.2.3", "169.254.169.254", "192.168.1.1", "100.64.0.1", "fd00::1"];

/// Makes the network: the loopback, addresses inside on it, and this machine as its own name server. Then the test
/// again, in it.
const SETUP: &str = r#"
    ip link set lo up || exit 99
    for address in $ADDRESSES; do ip address add $address dev lo || exit 98; done
    printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$FOLDER/resolv.conf"
    mount --bind "$FOLDER/resolv.conf" /etc/resolv.conf || exit 97
    exec "$0" "$@""#;

/// Whether a process can have a network of its own here.
fn possible() -> Result<(), String> {
    let tried = Command::new("unshare").args(["-Urmn", "ip", "link", "set", "lo", "up"]).output();
    let tried = tried.map_err(|error| error.to_string())?;
    match tried.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned()),
    }
}

/// Runs a test of this program in a network of its own. False in that process, which does the test.
fn elsewhere(test: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return false;
    }
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let own = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let addresses: Vec<_> =
        INSIDE.iter().map(|ip| format!("{ip}/{}", if ip.contains(':') { 128 } else { 32 })).collect();
    let mut command = Command::new("unshare");
    command.args(["-Urmn", "sh", "-uc", SETUP]).arg(&own).args([test, "--exact"]);
    command.env(MARK, "1").env("FOLDER", folder.path()).env("ADDRESSES", addresses.join(" "));
    let told = ran(&mut command);
    assert!(told.code == Some(0) && told.stdout.contains("1 passed"), "{told:?}");
    true
}

/// A name server that answers as it is told, by name, and keeps the names that it was asked for.
fn name_server(plans: impl Fn(&str) -> Option<Plan> + Send + 'static) -> Arc<Mutex<BTreeSet<String>>> {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap_or_else(|error| panic!("{error}"));
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let kept = asked.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let Ok(query) = Message::from_vec(&buffer[..length]) else { continue };
            let question = query.queries[0].clone();
            let name = question.name().to_string().trim_end_matches('.').to_owned();
            let mut answer = query.into_response();
            for record in
                plans(&name).map(|plan| plan.records(question.name(), question.query_type())).unwrap_or_default()
            {
                answer.add_answer(record);
            }
            kept.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
            let _ = socket.send_to(&answer.to_vec().unwrap_or_default(), from);
        }
    });
    asked
}

/// Servers at the addresses inside, on this port.
fn sentinels(port: u16) -> Vec<Server> {
    let listen = |ip: &&str| -> Server {
        let ip: IpAddr = ip.parse().unwrap_or_else(|error| panic!("{ip}: {error}"));
        let listener = TcpListener::bind((ip, port)).unwrap_or_else(|error| panic!("{ip}: {error}"));
        Server::on(listener, |mut stream| {
            heard(&mut stream);
            answer(stream, "inside");
        })
    };
    INSIDE.iter().map(listen).collect()
}

#[test]
fn names_that_lead_inside_reach_nothing_through_a_guest() {
    need!("a network of its own", possible());
    if elsewhere("inside::names_that_lead_inside_reach_nothing_through_a_guest") {
        return;
    }
    let place = need!("the guest `http_guest`", place());
    let ground = need!("loopback addresses", Ground::start());
    let sentinels = sentinels(ground.port());
    let mut luck = Luck::of(SEED);
    let calls = CALLS * needs::scale();
    let plans: Vec<Plan> = (0..calls as usize * NAMES).map(|_| Plan::of(&mut luck)).collect();
    let known = plans.clone();
    let number = |name: &str| name.strip_prefix('n')?.strip_suffix(".example")?.parse::<usize>().ok();
    name_server(move |name| known.get(number(name)?).cloned());
    let mut good = 0;
    for (round, plans) in plans.chunks(NAMES).enumerate() {
        let names = (0..plans.len()).map(|at| format!("http://n{}.example:{}", round * NAMES + at, ground.port()));
        let urls: Vec<String> = names.collect();
        // The names are granted, and the good address; the others no grant names.
        let origin = ground.good.url();
        let grants: Vec<&str> = urls.iter().chain([&origin]).flat_map(|url| ["--allow-http", url.as_str()]).collect();
        for ((url, plan), told) in urls.iter().zip(plans).zip(each(&place, &urls, &grants)) {
            let what = format!("seed {SEED:#x}: {url} with {plan:?} gave {told}");
            assert_eq!(told.starts_with("200"), plan.is_good(), "{what}");
            good += usize::from(plan.is_good());
        }
        ground.check("a name");
        for server in &sentinels {
            assert_eq!(server.accepted(), 0, "seed {SEED:#x}: somebody was let through to {}", server.address);
        }
    }
    assert!(good > 10, "{good} of the answers were good");
    assert_eq!(ground.good.accepted(), good);
}

/// What a guest can tell by asking for names under a wildcard: as many as it has requests, and no more.
#[test]
fn names_under_a_wildcard_run_out() {
    need!("a network of its own", possible());
    if elsewhere("inside::names_under_a_wildcard_run_out") {
        return;
    }
    let place = need!("the guest `http_guest`", place());
    let asked = name_server(|_| None);
    let urls: Vec<String> = (0..60).map(|label| format!("https://secret-{label}.wild.example/")).collect();
    let told = each(&place, &urls, &["--allow-http", "https://*.wild.example"]);
    assert!(told.iter().all(|told| !told.starts_with("200")), "{told:?}");
    // The name that the wildcard stands below, and one beside it, are not even asked for.
    each(
        &place,
        &["https://wild.example/".to_owned(), "https://x.tame.example/".to_owned()],
        &["--allow-http", "https://*.wild.example"],
    );
    let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(asked.iter().all(|name| name.ends_with(".wild.example")), "{asked:?}");
    assert_eq!(asked.len(), 32, "{asked:?}");
}
