//! Which addresses may be dialled: those of the public internet, and those that a grant names.
//!
//! The lists are the special-purpose registries of IANA (RFC 6890 and its updates), with multicast, what is reserved,
//! and two addresses of cloud services that lie in public ranges. What is not known to be public is not dialled.

use crate::grant::Grant;
use crate::place::Origin;
use ipnet::{Ipv4Net, Ipv6Net};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(high: u16, second: u16, third: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(high, second, third, 0, 0, 0, 0, 0), bits)
}

/// IPv4 that is not the public internet.
const SPECIAL_V4: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "this network"),
    (v4(10, 0, 0, 0, 8), "private"),
    (v4(100, 64, 0, 0, 10), "shared by a provider"),
    (v4(127, 0, 0, 0, 8), "this machine"),
    (v4(169, 254, 0, 0, 16), "link-local, where cloud machines find their credentials"),
    (v4(172, 16, 0, 0, 12), "private"),
    (v4(192, 0, 0, 0, 24), "reserved for protocols"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 31, 196, 0, 24), "reserved for protocols"),
    (v4(192, 52, 193, 0, 24), "reserved for protocols"),
    (v4(192, 88, 99, 0, 24), "6to4 relays"),
    (v4(192, 168, 0, 0, 16), "private"),
    (v4(192, 175, 48, 0, 24), "reserved for protocols"),
    (v4(198, 18, 0, 0, 15), "benchmarks"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
    (v4(168, 63, 129, 16, 32), "the platform service of Azure"),
];

/// What IANA has given out as global unicast. Everything outside is special.
const PUBLIC_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// IPv6 inside of it that is not the public internet.
const SPECIAL_V6: &[(Ipv6Net, &str)] = &[
    (v6(0x2001, 0, 0, 23), "reserved for protocols, Teredo among them"),
    (v6(0x2001, 0xdb8, 0, 32), "documentation"),
    (v6(0x2002, 0, 0, 16), "6to4, which hides an IPv4 address"),
    (v6(0x2620, 0x4f, 0x8000, 48), "reserved for protocols"),
    (v6(0x3fff, 0, 0, 20), "documentation"),
];

/// The prefix under which networks without IPv4 reach it (RFC 6052). The address inside is what counts.
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 96);

/// Why an address is special, none when it is public.
pub fn special(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => SPECIAL_V4.iter().find(|(net, _)| net.contains(&ip)).map(|(_, why)| *why),
        IpAddr::V6(ip) => special_v6(ip),
    }
}

fn special_v6(ip: Ipv6Addr) -> Option<&'static str> {
    if let Some(inside) = ip.to_ipv4_mapped() {
        return special(IpAddr::V4(inside));
    }
    if NAT64.contains(&ip) {
        let [.., a, b, c, d] = ip.octets();
        return special(IpAddr::V4(Ipv4Addr::new(a, b, c, d)));
    }
    if ip.is_loopback() {
        return Some("this machine");
    }
    if !PUBLIC_V6.contains(&ip) {
        return Some("outside of global unicast: private, link-local, multicast or reserved");
    }
    // ISATAP (RFC 5214) can sit under any prefix and hides an IPv4 address behind this mark.
    let [.., e, f, _, _] = ip.segments();
    if (e & !0x0200) == 0 && f == 0x5efe {
        return Some("ISATAP, which hides an IPv4 address");
    }
    SPECIAL_V6.iter().find(|(net, _)| net.contains(&ip)).map(|(_, why)| *why)
}

/// An address that is not dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) ip: IpAddr,
    why: &'static str,
    /// The grant that would name it; none where a denial stands in the way.
    pub(crate) allow: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host leads to {}: {}", self.ip, self.why)
    }
}

/// The addresses that grants name for one origin, taken out of the grant when a request is authorised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    allow: Vec<IpAddr>,
    deny: Vec<IpAddr>,
}

impl Named {
    /// A request that is written with an address has been held against the grants as such. A name that leads to a
    /// special address needs a grant that names the address whole, with the same scheme and port: one for some paths
    /// or methods only would be got around by way of the name.
    pub(crate) fn of(grant: &Grant, origin: &Origin) -> Self {
        let same = |place: &Origin| place.scheme == origin.scheme && place.port == origin.port;
        let whole = grant.allow.iter().filter(|line| {
            line.origin == *origin || (line.path.is_empty() && line.methods.is_empty() && same(&line.origin))
        });
        let denied = grant.deny.iter().filter(|line| line.origin.port == origin.port);
        Self {
            allow: whole.filter_map(|line| line.origin.host.address()).collect(),
            deny: denied.filter_map(|line| line.origin.host.address()).collect(),
        }
    }

    /// Whether every one of these addresses may be dialled. One that may not is enough to refuse all of them.
    pub(crate) fn check(&self, addresses: &[IpAddr], origin: &Origin) -> Result<(), Refused> {
        for ip in addresses {
            let plain = ip.to_canonical();
            if origin.host.address() != Some(*ip) && (self.deny.contains(ip) || self.deny.contains(&plain)) {
                return Err(Refused { ip: *ip, why: "denied by address", allow: None });
            }
            if let Some(why) = special(*ip).filter(|_| !self.allow.contains(ip)) {
                let bracketed = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
                let line = format!("{}://{bracketed}:{}", origin.scheme.word(), origin.port);
                return Err(Refused {
                    ip: *ip,
                    why,
                    allow: line.parse().ok().map(|line| crate::grant::allow_flag(&line)),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    /// N1, N2 of the threat model: both ends of every range of the registries, and one address past each of them.
    #[test]
    fn special_addresses_of_both_families() {
        for text in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.192",
            "192.0.0.255",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "192.175.48.1",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.0",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:127.0.0.1",
            "::ffff:0:8.8.8.8",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:2::1",
            "2001:4:112::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
            "2a00::5efe:a00:1",
            "2a00:1450::200:5efe:7f00:1",
        ] {
            assert!(special(ip(text)).is_some(), "{text}");
        }
    }

    #[test]
    fn public_addresses() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "168.63.129.17",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "2001:200::1",
            "2001:4860::8888",
            "2003::1",
            "3ffe::1",
            "2620:4f:8001::1",
        ] {
            assert_eq!(special(ip(text)), None, "{text}");
        }
    }

    #[test]
    fn a_grant_that_names_the_address_lets_it_through() {
        let grant = |allow: &[&str], deny: &[&str]| Grant {
            allow: allow.iter().map(|text| text.parse().unwrap()).collect(),
            deny: deny.iter().map(|text| text.parse().unwrap()).collect(),
            ..Grant::default()
        };
        let origin = crate::place::locate("https://intranet.example/").unwrap().origin;
        let check = |grant: &Grant, to: &str| Named::of(grant, &origin).check(&[ip("8.8.8.8"), ip(to)], &origin);
        let name = "https://intranet.example";
        assert!(check(&grant(&[name], &[]), "1.1.1.1").is_ok());
        let refused = check(&grant(&[name], &[]), "10.0.0.5").unwrap_err();
        assert_eq!(refused.allow.as_deref(), Some("--allow-http https://10.0.0.5"));
        assert_eq!(refused.to_string(), "the host leads to 10.0.0.5: private");
        assert!(check(&grant(&[name, "https://10.0.0.5"], &[]), "10.0.0.5").is_ok());
        for other in [
            "http://10.0.0.5",
            "https://10.0.0.5:8443",
            "https://10.0.0.6",
            "https://10.0.0.5/x",
            "GET https://10.0.0.5",
        ] {
            assert!(check(&grant(&[name, other], &[]), "10.0.0.5").is_err(), "{other}");
        }
        let denied = grant(&[name, "https://10.0.0.5"], &["https://10.0.0.5"]);
        assert_eq!(check(&denied, "10.0.0.5").unwrap_err().allow, None);
        assert!(check(&grant(&[name], &["https://1.1.1.1"]), "1.1.1.1").is_err(), "public ones can be denied too");
        assert!(check(&grant(&[name], &["https://1.1.1.1"]), "::ffff:1.1.1.1").is_err());
    }
}
