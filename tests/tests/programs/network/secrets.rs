//! A credential goes along with what a program sends, and is nowhere where the program could find it.

use super::run;
use crate::authority::{Authority, NOW};
use crate::servers::answer;
use crate::work::{Bench, ENGINES};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vox_tests::need;

const CANARY: &str = "canary-w9Xk/2Lq+egress";

/// Looks for the canary wherever a program can look. It is given in two halves, so that it does not find itself.
const HUNT: &str = r#"
import os, sys
needle = (sys.argv[1] + sys.argv[2]).encode()
found = []
def look(path):
    try:
        with open(path, 'rb') as f: data = f.read(1 << 20)
        if needle in data: found.append(path)
    except OSError: pass
for top in ['/run', '/etc', '/tmp', '/home', '/.vox', '/var', '/work']:
    for folder, _, names in os.walk(top):
        for name in names: look(os.path.join(folder, name))
for pid in [p for p in os.listdir('/proc') if p.isdigit()]:
    for name in ['environ', 'cmdline', 'maps', 'stat']: look(f'/proc/{pid}/{name}')
print('found', found)
"#;

#[test]
fn a_canary_is_sent_and_never_seen() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let (authority, seen) = (Authority::new(), Arc::new(AtomicUsize::new(0)));
        bench.place.put("own.pem", authority.pem());
        let count = seen.clone();
        let server = authority.serving("127.0.0.1", NOW, move |head, stream| {
            if head.contains(&format!("authorization: Bearer {CANARY}\r\n")) {
                count.fetch_add(1, Ordering::SeqCst);
            }
            // Echoes everything that it was sent where it is asked to.
            answer(stream, if head.starts_with("GET /echo ") { head } else { "nothing to see\n" });
        });
        assert_eq!(bench.place.feed(&["secret", "set", "token"], CANARY.as_bytes()).code, Some(0));
        let origin = format!("https://{}", server.address);
        let secret = format!("token={origin};header=Authorization:Bearer {{}}");
        let grants = ["--allow-subprocess", "--allow-http", &origin, "--secret", &secret, "--http-ca", "own.pem"];
        let (half, rest) = CANARY.split_at(9);
        let script = format!(
            "env; curl -sSv {origin}/quiet; curl -sSv {origin}/echo -H 'Authorization: Bearer mine' -o /tmp/echo; \
             cat /tmp/echo; python3 -c '{}' {half} '{rest}'",
            HUNT.replace('\'', "\"")
        );
        let printed = run(&bench, &["bash", "-c", &script], &grants);
        assert_eq!(seen.load(Ordering::SeqCst), 2, "{engine}: {}{}", printed.out, printed.err);
        assert!(printed.out.contains("nothing to see"), "{engine}: {}{}", printed.out, printed.err);
        assert!(printed.out.ends_with("found []\n"), "{engine}: {}{}", printed.out, printed.err);
        let audit = bench.run(0, &["audit"]).stdout;
        for text in [&printed.out, &printed.err, &audit] {
            assert!(!text.contains(CANARY) && !text.contains(&CANARY[..14]), "{engine}: {text}");
        }
        assert!(audit.contains("held the secret `token` and was cut"), "{engine}: {audit}");
        assert!(audit.contains("the host's value replaced it"), "{engine}: {audit}");
    }
}
