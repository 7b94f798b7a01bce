//! What the status bar says: where, by what, how old, when, and how many.

use std::fs;

use greengate::{
    clock::{ClockState, Timestamp, in_shanghai},
    device::scanner::Gone,
    language::Words,
    policy::{Policy, TrustAge},
    presentation,
    store::Totals,
    trust::Trust,
};

use crate::lane::Lane;

/// What the status bar says.
#[derive(Debug)]
pub(crate) struct Status {
    /// The place's name.
    pub(crate) place: Words,
    /// The gate within it.
    pub(crate) gate: String,
    /// The age of the trust data against the policy's limits; nothing if there is no policy.
    pub(crate) trust: Option<TrustAge>,
    /// The version of the key ring, and the policy's name and version.
    pub(crate) version: String,
    /// How old the trust data is.
    pub(crate) age: Words,
    /// What it will be good for next, and in how long.
    pub(crate) next: Words,
    /// How far the clock can be believed.
    pub(crate) clock: ClockState,
    /// Whether there is a network.
    pub(crate) network: Network,
    /// What is wrong with a scanner; empty if nothing is.
    pub(crate) scanner: Words,
    /// How much of what is being fetched is here, from 0 to 100; nothing if nothing is.
    pub(crate) fetched: Option<u8>,
    /// Civil time at the place.
    pub(crate) time: String,
    /// Civil date at the place.
    pub(crate) date: String,
    /// Today's counts.
    pub(crate) totals: Totals,
}

/// Whether there is a network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Network {
    /// There is no way out of this machine.
    Offline,
    /// There is one.
    Online,
}

/// What is around a lane.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Around {
    /// How much of what is being fetched is here, in percent.
    pub(crate) fetched: Option<u8>,
    /// Why a scanner cannot be used.
    pub(crate) scanner: Option<Gone>,
}

/// What the status bar says of `lane` and what is around it at `now`.
pub(crate) fn of(lane: &Lane, around: Around, now: Timestamp) -> Status {
    let trust = lane.basis().trust.as_ref();
    let policy = trust.and_then(|trust| trust.policy.as_ref());
    let published = trust.map(Trust::published);
    // At least as old as it was when the time was known last, whatever the clock says.
    let by_now = lane.basis().floor.raised_to(now).instant();
    let unnamed = || Words::new("未设置地点", "Place not set");
    Status {
        place: lane.gate().map_or_else(unnamed, |gate| gate.name.clone()),
        gate: lane.gate().map(|gate| gate.gate.clone()).unwrap_or_default(),
        trust: policy.zip(published).map(|(policy, published)| policy.trust_age(published, by_now)),
        version: trust.map(|trust| versions(trust.key_ring.version(), policy)).unwrap_or_default(),
        age: published.map(|published| presentation::age(by_now - published)).unwrap_or_default(),
        next: policy
            .zip(published)
            .map(|(policy, published)| next(policy, published, by_now))
            .unwrap_or_default(),
        clock: lane.clock(),
        network: network(),
        scanner: around.scanner.map(scanner_words).unwrap_or_default(),
        fetched: around.fetched,
        time: in_shanghai(now).format("%H:%M").to_string(),
        date: in_shanghai(now).format("%Y-%m-%d").to_string(),
        totals: lane.totals(),
    }
}

/// "check IDs in 1 d 21 h".
fn next(policy: &Policy, published: Timestamp, now: Timestamp) -> Words {
    let Some((next, left)) = policy.next_age(published, now) else { return Words::default() };
    let Words { zh, en } = presentation::age(left);
    match next {
        TrustAge::PastLimit => {
            Words::new(format!("{zh}后全部转人工"), format!("all to the desk in {en}"))
        }
        TrustAge::Fresh | TrustAge::Ageing | TrustAge::Stale => {
            Words::new(format!("{zh}后须核对证件"), format!("check IDs in {en}"))
        }
    }
}

fn scanner_words(gone: Gone) -> Words {
    match gone {
        Gone::Held => Words::new("扫码器被占用", "Scanner in use by another program"),
        Gone::NotAllowed => Words::new("扫码器没有权限", "Scanner not allowed for this user"),
        Gone::NoScanner => Words::new("扫码器无法使用", "Scanner cannot be used"),
        Gone::Unplugged => Words::new("扫码器未连接", "Scanner not plugged in"),
    }
}

fn versions(key_ring: u64, policy: Option<&Policy>) -> String {
    policy.map_or_else(
        || key_ring.to_string(),
        |Policy { name, version, .. }| {
            format!("{key_ring} · {} v{version}", presentation::legible(name))
        },
    )
}

/// Whether the kernel has a way out: a route to everywhere, by IPv4 or IPv6.
fn network() -> Network {
    let has_default = |file: &str, destination: &str| {
        fs::read_to_string(file).is_ok_and(|table| {
            table.lines().any(|line| line.contains(destination) && !line.ends_with("lo"))
        })
    };
    let by_four = has_default("/proc/net/route", "\t00000000\t");
    let by_six = has_default("/proc/net/ipv6_route", "00000000000000000000000000000000 00 0");
    if by_four || by_six { Network::Online } else { Network::Offline }
}
