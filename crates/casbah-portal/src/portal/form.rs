//! One form for all pages: a proof that it is ours, labels, errors in place, and nothing typed is lost.

use maud::{Markup, html};

use super::fields::Fields;
use super::text::{Language, t};
use super::visit;

/// What is wrong with a form that was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problem {
    /// The field, as it is named in the form; empty when it is about the whole.
    pub(crate) field: String,
    /// One sentence.
    pub(crate) why: String,
    /// Whether the sentence is the server's, which speaks English only.
    pub(crate) foreign: bool,
}

impl Problem {
    /// The sentence. One of the server's is told by its field in the reader's language first.
    pub(crate) fn told(&self) -> Markup {
        if !self.foreign || visit::language() == Language::English {
            return html! { (self.why) };
        }
        html! { (by_field(&self.field)) " " span lang="en" { (self.why) } }
    }
}

/// What a refused field is about, for readers of other languages than the server's.
fn by_field(field: &str) -> &'static str {
    match field {
        "name" | "displayName" | "guestName" => t("This name cannot be used."),
        "userPrincipalName" => t("This sign-in name cannot be used."),
        "password" => t("This password cannot be used."),
        "mail" | "guestMail" => t("This mail address cannot be used."),
        "subnets" => t("These addresses cannot be used."),
        "web" | "spa" | "native" | "redirectUris" => t("These redirect addresses cannot be used."),
        "issuer" | "subject" | "audience" => t("The provider cannot be told like this."),
        "certificate" => t("This certificate cannot be used."),
        "filters" => t("These filters cannot be used."),
        "within" | "cloudAppsRole" => t("The role cannot be given like this."),
        setting if setting.contains('.') => t("The setting does not take this value."),
        _ => t("This cannot be taken."),
    }
}

/// A form under work: what was typed, and what was wrong with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) fields: Fields,
    pub(crate) problem: Option<Problem>,
}

impl State {
    pub(crate) fn wrong(fields: Fields, field: &str, why: impl Into<String>) -> State {
        let problem = Problem { field: field.to_string(), why: why.into(), foreign: false };
        State { fields, problem: Some(problem) }
    }

    /// The same, in the words of the server.
    pub(crate) fn refused(fields: Fields, field: &str, why: impl Into<String>) -> State {
        let problem = Problem { field: field.to_string(), why: why.into(), foreign: true };
        State { fields, problem: Some(problem) }
    }

    fn about(&self, name: &str) -> Option<&Problem> {
        self.problem.as_ref().filter(|p| p.field == name)
    }

    /// What to say above the form.
    pub(crate) fn summary(&self) -> Markup {
        html! { @if let Some(problem) = &self.problem {
            p .problem role="alert" {
                (problem.told())
                @if !problem.field.is_empty() { " " a href={ "#field-" (problem.field) } { (t("Go to the field")) } }
            }
        } }
    }

    /// A line of text.
    pub(crate) fn text(&self, name: &str, label: &str, hint: Option<&str>, required: bool) -> Markup {
        let wrong = self.about(name);
        html! { div .field {
            label for={ "field-" (name) } { (label) }
            @if let Some(hint) = hint { p .hint id={ "hint-" (name) } { (hint) } }
            input type="text" id={ "field-" (name) } name=(name) value=(self.fields.get(name)) required[required]
                aria-describedby=[described(name, hint.is_some(), wrong.is_some())]
                aria-invalid=[wrong.map(|_| "true")];
            (complaint(name, wrong))
        } }
    }

    /// A text that nobody should read over a shoulder, and that is never shown again.
    pub(crate) fn secret(&self, name: &str, label: &str, hint: Option<&str>) -> Markup {
        let wrong = self.about(name);
        html! { div .field {
            label for={ "field-" (name) } { (label) }
            @if let Some(hint) = hint { p .hint id={ "hint-" (name) } { (hint) } }
            input type="password" autocomplete="new-password" id={ "field-" (name) } name=(name)
                aria-describedby=[described(name, hint.is_some(), wrong.is_some())]
                aria-invalid=[wrong.map(|_| "true")];
            (complaint(name, wrong))
        } }
    }

    /// A whole number, or nothing.
    pub(crate) fn number(&self, name: &str, label: &str, hint: Option<&str>) -> Markup {
        let wrong = self.about(name);
        html! { div .field {
            label for={ "field-" (name) } { (label) }
            @if let Some(hint) = hint { p .hint id={ "hint-" (name) } { (hint) } }
            input type="text" inputmode="numeric" id={ "field-" (name) } name=(name) value=(self.fields.get(name))
                aria-describedby=[described(name, hint.is_some(), wrong.is_some())]
                aria-invalid=[wrong.map(|_| "true")];
            (complaint(name, wrong))
        } }
    }

    /// Yes or no; yes is sent as `1`.
    pub(crate) fn tick(&self, name: &str, label: &str, more: &str) -> Markup {
        let wrong = self.about(name);
        html! {
            label .choice {
                input type="checkbox" id={ "field-" (name) } name=(name) value="1" checked[self.fields.get(name) == "1"]
                    aria-describedby=[described(name, false, wrong.is_some())];
                span { strong { (label) } @if !more.is_empty() { span .quiet { (more) } } }
            }
            (complaint(name, wrong))
        }
    }

    /// Several lines of text.
    pub(crate) fn area(&self, name: &str, label: &str, hint: Option<&str>, rows: u8) -> Markup {
        let wrong = self.about(name);
        html! { div .field {
            label for={ "field-" (name) } { (label) }
            @if let Some(hint) = hint { p .hint id={ "hint-" (name) } { (hint) } }
            textarea id={ "field-" (name) } name=(name) rows=(rows)
                aria-describedby=[described(name, hint.is_some(), wrong.is_some())]
                aria-invalid=[wrong.map(|_| "true")] { (self.fields.get(name)) }
            (complaint(name, wrong))
        } }
    }

    /// One of a list; without a choice the first.
    pub(crate) fn select(&self, name: &str, label: &str, options: &[(String, String)]) -> Markup {
        let chosen = self.fields.get(name);
        let wrong = self.about(name);
        html! { div .field {
            label for={ "field-" (name) } { (label) }
            select id={ "field-" (name) } name=(name)
                aria-describedby=[described(name, false, wrong.is_some())] aria-invalid=[wrong.map(|_| "true")] {
                @for (value, shown) in options { option value=(value) selected[value == chosen] { (shown) } }
            }
            (complaint(name, wrong))
        } }
    }
}

fn described(name: &str, hint: bool, wrong: bool) -> Option<String> {
    match (hint, wrong) {
        (false, false) => None,
        (true, false) => Some(format!("hint-{name}")),
        (false, true) => Some(format!("wrong-{name}")),
        (true, true) => Some(format!("hint-{name} wrong-{name}")),
    }
}

fn complaint(name: &str, wrong: Option<&Problem>) -> Markup {
    html! { @if let Some(problem) = wrong { p .wrong id={ "wrong-" (name) } { (problem.told()) } } }
}

/// A form that is posted.
pub(crate) fn form(action: &str, body: &Markup) -> Markup {
    html! { form method="post" action=(action) { (proof(action)) (body) } }
}

/// A form that takes a file along.
pub(crate) fn upload(action: &str, body: &Markup) -> Markup {
    html! { form method="post" action=(action) enctype="multipart/form-data" data-drop { (proof(action)) (body) } }
}

/// A form of one button. With a question, script asks it before the form goes.
pub(crate) fn button(action: &str, label: &str, class: &str, hidden: &[(&str, &str)]) -> Markup {
    form(
        action,
        &html! {
            @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
            button class=(class) { (label) }
        },
    )
}

/// That the form was made here, for this session and for where it goes.
pub(crate) fn proof(action: &str) -> Markup {
    let path = action.split(['?', '#']).next().unwrap_or_default();
    html! { input type="hidden" name="proof" value=(visit::here().map(|here| here.proof(path)).unwrap_or_default()); }
}
