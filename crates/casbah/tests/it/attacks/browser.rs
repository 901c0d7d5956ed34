//! A browser without script: it keeps cookies, sends forms as pages show them, and follows nothing by
//! itself.

use std::cell::RefCell;

use crate::harness::{Answer, Casbah, PASSWORD};

pub(crate) const SESSION: &str = "__Host-casbah-session";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const SAME_ORIGIN: (&str, &str) = ("sec-fetch-site", "same-origin");

pub(crate) struct Browser<'a> {
    casbah: &'a Casbah,
    pub(crate) cookies: RefCell<Vec<(String, String)>>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(casbah: &'a Casbah) -> Browser<'a> {
        Browser { casbah, cookies: RefCell::default() }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().retain(|(n, _)| n != name);
        self.cookies.borrow_mut().push((name.to_string(), value.to_string()));
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let cookies: Vec<String> = self.cookies.borrow().iter().map(|(n, v)| format!("{n}={v}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = headers.to_vec();
        headers.push(("cookie", &cookies));
        let answer = self.casbah.anonymous().send(method, path, &headers, body.as_bytes());
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            self.set_cookie(name, value);
            if set.contains("Max-Age=0") {
                self.cookies.borrow_mut().retain(|(n, _)| n != name);
            }
        }
        answer
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", path, &[FORM, SAME_ORIGIN], &encoded(fields))
    }

    /// As another site's page would send it.
    pub(crate) fn post_from_elsewhere(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = [FORM, ("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        self.send("POST", path, &headers, &encoded(fields))
    }

    /// Sends the last form of a page, with its hidden fields and these.
    #[track_caller]
    pub(crate) fn submit(&self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let hidden = hidden(page);
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        all.extend(fields);
        self.post(&action(page), &all)
    }

    /// Signs in from the page at an address; what comes after the redirect that follows.
    #[track_caller]
    pub(crate) fn sign_in(&self, address: &str, user: &str) -> Answer {
        let page = self.get(address);
        assert_eq!(page.status, 200, "{}", page.text());
        let done = self.submit(&page, &[("user", user), ("password", PASSWORD)]);
        assert_eq!(done.status, 303, "{}", done.text());
        self.get(done.header("location"))
    }

    /// Signs in and accepts what is asked; the last redirect, back to the application.
    #[track_caller]
    pub(crate) fn authorize(&self, address: &str, user: &str) -> Answer {
        let mut answer = self.sign_in(address, user);
        if answer.status == 200 {
            answer = self.submit(&answer, &[("decision", "accept")]);
        }
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer
    }

    /// Signs in and accepts; the code.
    #[track_caller]
    pub(crate) fn code(&self, address: &str, user: &str) -> String {
        parameter(&self.authorize(address, user), "code")
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A parameter of the address that an answer leads to; empty when it is not there.
pub(crate) fn parameter(answer: &Answer, name: &str) -> String {
    let location = url::Url::parse(answer.header("location"))
        .unwrap_or_else(|_| panic!("leads nowhere: {}", answer.text()));
    let found = location.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned());
    found.unwrap_or_default()
}

/// Where the last form of a page goes.
#[track_caller]
pub(crate) fn action(page: &Answer) -> String {
    let text = page.text();
    let start = text.rfind("action=\"").unwrap_or_else(|| panic!("no form: {text}")) + 8;
    until_quote(&text[start..])
}

/// The hidden fields of the last form of a page.
pub(crate) fn hidden(page: &Answer) -> Vec<(String, String)> {
    let text = page.text();
    let form = &text[text.rfind("<form").unwrap_or_default()..];
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1);
    let fields = fields.map(|field| {
        let value = field.split_once("value=\"").unwrap().1;
        (until_quote(field), until_quote(value))
    });
    fields.collect()
}

fn until_quote(text: &str) -> String {
    let text = &text[..text.find('"').unwrap()];
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
