use super::*;

/// RFC 6238, appendix B, shortened to six digits.
#[test]
fn codes_are_those_of_the_specification() {
    let key = b"12345678901234567890";
    for (seconds, expected) in [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ] {
        assert_eq!(code(key, seconds / STEP), expected);
        assert_eq!(matching_step(key, expected, Timestamp::from_seconds(seconds)), Some(seconds / STEP));
    }
}

#[test]
fn one_step_of_difference_is_accepted_and_blanks_are_left_out() {
    let key = b"12345678901234567890";
    let now = Timestamp::from_seconds(3_000);
    for (step, good) in [(98, false), (99, true), (100, true), (101, true), (102, false)] {
        assert_eq!(matching_step(key, &code(key, step), now), good.then_some(step));
    }
    let typed = code(key, 100);
    assert_eq!(matching_step(key, &format!(" {} {} ", &typed[..3], &typed[3..]), now), Some(100));
    for bad in ["", "0", "abcdef", "0000000000000"] {
        assert_eq!(matching_step(key, bad, now), None);
    }
}

/// RFC 4648, section 10.
#[test]
fn keys_are_written_in_base32() {
    for (bytes, expected) in
        [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")]
    {
        assert_eq!(base32(bytes.as_bytes()), expected);
    }
}
