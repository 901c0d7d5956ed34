//! All formats. To add one: a file here, a sample beside the others, a line in the list.

use crate::format::Format;

macro_rules! formats {
    ($($file:ident: $($name:ident),+;)+) => {
        $(mod $file;)+
        /// All formats that are read.
        pub const FORMATS: &[&Format] = &[$($(&$file::$name),+),+];
    };
}

formats! {
    cef: GENERIC_CEF, GENERIC_CEF_SYSLOG;
    palo_alto: PALO_ALTO, PALO_ALTO_SYSLOG;
    squid: SQUID, SQUID_SYSLOG;
    squid_native: SQUID_NATIVE, SQUID_NATIVE_SYSLOG;
    w3c: GENERIC_W3C, GENERIC_W3C_SYSLOG;
    zscaler: ZSCALER, ZSCALER_SYSLOG;
}
