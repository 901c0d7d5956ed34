//! Guessing passwords and codes.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::browser::{Browser, SESSION};
use super::{SCOPE, TOKEN, number, poll_device, start_device, usual_request};
use crate::harness::{ADMINISTRATOR, Answer, Casbah, Database, PASSWORD, PUBLIC_CLIENT, READER, TENANT};

fn password(casbah: &Casbah, user: &str, password: &str) -> Answer {
    let form = [
        ("grant_type", "password"),
        ("client_id", PUBLIC_CLIENT),
        ("username", user),
        ("password", password),
        ("scope", SCOPE),
    ];
    casbah.anonymous().post_form(TOKEN, &form)
}

both! {
    /// CVE-2023-47111, CVE-2024-4629: many tries at once are worth no more than ten one after the other.
    fn parallel_guesses_do_not_beat_the_lock(casbah: &Casbah) {
        let (looked_at, locked) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for thread in 0..64 {
                let (looked_at, locked) = (&looked_at, &locked);
                scope.spawn(move || for guess in 0..100 {
                    match number(&password(casbah, READER, &format!("guess {thread} {guess}"))) {
                        50_126 => looked_at.fetch_add(1, Ordering::SeqCst),
                        50_053 => locked.fetch_add(1, Ordering::SeqCst),
                        other => panic!("{other}"),
                    };
                });
            }
        });
        assert_eq!((looked_at.into_inner(), locked.into_inner()), (10, 6_390));
        // The right one is not looked at either, by no door; others go on.
        assert_eq!(number(&password(casbah, READER, PASSWORD)), 50_053);
        let browser = Browser::new(casbah);
        let page = browser.get(&usual_request(&[]));
        let answer = browser.submit(&page, &[("user", READER), ("password", PASSWORD)]);
        assert!(answer.status == 400 && answer.text().contains("too many wrong passwords or codes"), "{}", answer.text());
        assert_eq!(browser.cookie(SESSION), None);
        password(casbah, ADMINISTRATOR, PASSWORD).ok();
    }

    /// Security sheet, "Brute force": a name that does not exist cannot be told from one that does, by
    /// words, status, lock, or work.
    fn unknown_names_cannot_be_told_from_known_ones(casbah: &Casbah) {
        let (known, unknown) = (READER, "nobody@contoso.example");
        let words = |answer: &Answer| {
            let body = answer.json();
            let description = body["error_description"].as_str().unwrap().split(" Trace ID").next().unwrap().to_string();
            (answer.status, body["error"].clone(), body["error_codes"].clone(), description)
        };
        // Work is counted in processor time of the server, which other programs on the machine do not change.
        let (mut of_known, mut of_unknown) = (0, 0);
        for turn in 0..12 {
            let start = casbah.processor_ticks();
            let first = password(casbah, known, "wrong");
            let middle = casbah.processor_ticks();
            let second = password(casbah, unknown, "wrong");
            // The first try makes the hash that nobody's password is compared with; the last are locked out.
            if (1..9).contains(&turn) {
                of_known += middle - start;
                of_unknown += casbah.processor_ticks() - middle;
            }
            assert_eq!(words(&first), words(&second), "turn {turn}");
        }
        assert_eq!(number(&password(casbah, unknown, "wrong")), 50_053);
        assert!(of_known >= 4 && of_unknown >= 4, "a password is hashed each time: {of_known}, {of_unknown} ticks");
        // The realm says the same of both, too.
        let realm = |name: &str| casbah.anonymous().get(&format!("/common/userrealm/{name}?api-version=1.0")).text();
        assert_eq!(realm(known), realm(unknown));
    }

    /// RFC 9700, 2.4 (#25): who is not a client of ours cannot try passwords at all.
    fn passwords_are_tried_through_known_clients_only(casbah: &Casbah) {
        for (client, expected) in [
            ("aaaaaaaa-0000-4000-8000-00000000ffff", 700_016),
            (crate::harness::CLIENT, 7_000_218),
            (crate::harness::OTHER_CLIENT, 700_016),
        ] {
            // The same for a right and a wrong password.
            for word in [PASSWORD, "wrong"] {
                let form = [("grant_type", "password"), ("client_id", client), ("username", READER), ("password", word), ("scope", SCOPE)];
                assert_eq!(number(&casbah.anonymous().post_form(TOKEN, &form)), expected);
            }
        }
        let common = TOKEN.replace(TENANT, "common");
        let form = [("grant_type", "password"), ("client_id", PUBLIC_CLIENT), ("username", READER), ("password", PASSWORD), ("scope", SCOPE)];
        assert_eq!(number(&casbah.anonymous().post_form(&common, &form)), 9_001_023);
        // In the address, nothing counts: addresses are logged.
        let query = format!("{TOKEN}?grant_type=password&client_id={PUBLIC_CLIENT}&username={READER}&password=x&scope=openid");
        assert_eq!(number(&casbah.anonymous().post_form(&query, &[])), 900_144);
    }

    /// RFC 9700, RFC 8628 5.1 (#29): user codes cannot be guessed, and guessing them is slow.
    fn user_codes_cannot_be_guessed(casbah: &Casbah) {
        let (device, user_code) = start_device(casbah, PUBLIC_CLIENT);
        assert_eq!(user_code.len(), 9);
        assert!(user_code.bytes().all(|b| b"BCDFGHJKLMNPQRSTVWXZ23456789".contains(&b)), "{user_code}");
        let guess = |browser: &Browser<'_>, number: u32| browser.get(&format!("/device?code=BCDFG{number:04}")).text();
        // Somebody who is signed in has a limit, whichever browser the session is used in.
        let signed_in = Browser::new(casbah);
        signed_in.authorize(&usual_request(&[]), READER);
        let stopped = (0..20).filter(|n| guess(&signed_in, *n).contains("Too many wrong codes")).count();
        assert_eq!(stopped, 10);
        let right = signed_in.get(&format!("/device?code={user_code}"));
        assert!(right.text().contains("Too many wrong codes"), "the right code is not even looked at");
        // All strangers share one; cookies that nobody issued make no new one.
        let tried = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let tried = &tried;
                scope.spawn(move || for n in 0..12 {
                    let stranger = Browser::new(casbah);
                    stranger.set_cookie(SESSION, &format!("made up {thread} {n}"));
                    if !guess(&stranger, thread * 100 + n).contains("Too many wrong codes") {
                        tried.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(tried.into_inner(), 60);
        // Who knows the code and is signed in as somebody else is not held up, nor is the device.
        let other = Browser::new(casbah);
        other.authorize(&usual_request(&[]), ADMINISTRATOR);
        let page = other.get(&format!("/device?code={user_code}"));
        assert_eq!(other.submit(&page, &[("decision", "accept")]).header("location"), "/device/approved");
        poll_device(casbah, PUBLIC_CLIENT, &device).ok();
    }
}

/// Each sign-in that failed and each that did not stands in the audit trail, and no password does.
#[test]
fn sign_ins_leave_a_trace() {
    let casbah = Casbah::start(Database::sqlite());
    password(&casbah, READER, "a-wrong-password");
    password(&casbah, "a-password-typed-as-name@contoso.example", "wrong");
    password(&casbah, READER, PASSWORD).ok();
    Browser::new(&casbah).code(&usual_request(&[]), ADMINISTRATOR);
    // Failures are written behind the caller's back; stopping writes them all.
    let casbah = casbah.stop_and_restart();
    let database = rusqlite::Connection::open(casbah.data_dir().join("casbah.db")).unwrap();
    let mut rows = database
        .prepare(
            "select action, coalesce(actor, ''), coalesce(user_name, '') || search || facts from activities",
        )
        .unwrap();
    let rows = rows.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    });
    let rows: Vec<(String, String, String)> = rows.unwrap().map(Result::unwrap).collect();
    let of = |action: &str| rows.iter().filter(|(a, ..)| a == action).collect::<Vec<_>>();
    let failed = of("failed sign-in");
    assert_eq!(failed.len(), 2, "{rows:?}");
    assert!(failed.iter().any(|(_, actor, details)| !actor.is_empty() && details.contains(READER)));
    assert!(failed.iter().any(|(_, actor, _)| actor.is_empty()));
    assert_eq!((of("sign in to application").len(), of("sign in").len()), (1, 1), "{rows:?}");
    for (_, _, details) in &rows {
        assert!(
            !details.contains("a-wrong") && !details.contains("typed-as-name") && !details.contains(PASSWORD)
        );
    }
}
