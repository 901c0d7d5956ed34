//! Palo Alto App-ID names of well-known apps.
//!
//! A name stands for itself and for its functions: `dropbox` also for `dropbox-base` and `dropbox-uploading`.

use std::collections::HashMap;

use super::{App, AppId};

/// App-ID, and the app's name in the catalogue.
const NAMES: &[(&str, &str)] = &[
    ("adobe-creative-cloud", "Adobe Creative Cloud"),
    ("amazon-aws-console", "Amazon Web Services"),
    ("anydesk", "AnyDesk"),
    ("asana", "Asana"),
    ("aws-s3", "Amazon S3"),
    ("bitbucket", "Bitbucket"),
    ("boxnet", "Box"),
    ("canva", "Canva"),
    ("claude", "Claude"),
    ("confluence", "Confluence"),
    ("deepseek", "DeepSeek"),
    ("discord", "Discord"),
    ("docusign", "DocuSign"),
    ("dropbox", "Dropbox"),
    ("egnyte", "Egnyte"),
    ("evernote", "Evernote"),
    ("facebook", "Facebook"),
    ("facebook-chat", "Facebook Messenger"),
    ("github", "GitHub"),
    ("gitlab", "GitLab"),
    ("gmail", "Gmail"),
    ("google-docs", "Google Workspace"),
    ("google-drive-web", "Google Drive"),
    ("google-maps", "Google Maps"),
    ("google-meet", "Google Meet"),
    ("grammarly", "Grammarly"),
    ("hubspot", "HubSpot"),
    ("icloud", "iCloud"),
    ("instagram", "Instagram"),
    ("jira", "Jira"),
    ("linkedin", "LinkedIn"),
    ("mediafire", "MediaFire"),
    ("mega", "MEGA"),
    ("miro", "Miro"),
    ("monday", "monday.com"),
    ("ms-exchange-online", "Microsoft Exchange Online"),
    ("ms-office365", "Office 365"),
    ("ms-onedrive", "Microsoft OneDrive for Business"),
    ("ms-powerbi", "Microsoft Power BI"),
    ("ms-teams", "Microsoft Teams"),
    ("netflix", "Netflix"),
    ("notion", "Notion"),
    ("office365-enterprise-access", "Office 365"),
    ("okta", "Okta"),
    ("openai-chatgpt", "ChatGPT"),
    ("openai-api", "OpenAI API"),
    ("outlook-web", "Outlook.com"),
    ("outlook-web-online", "Microsoft Exchange Online"),
    ("pastebin", "Pastebin"),
    ("pcloud", "pCloud"),
    ("reddit", "Reddit"),
    ("salesforce", "Salesforce"),
    ("service-now", "ServiceNow"),
    ("sharepoint-online", "Microsoft SharePoint Online"),
    ("slack", "Slack"),
    ("smartsheet", "Smartsheet"),
    ("spotify", "Spotify"),
    ("teamviewer", "TeamViewer"),
    ("telegram", "Telegram"),
    ("tiktok", "TikTok"),
    ("trello", "Trello"),
    ("twitter", "X (Twitter)"),
    ("webex", "Cisco Webex"),
    ("wetransfer", "WeTransfer"),
    ("whatsapp", "WhatsApp"),
    ("workday", "Workday"),
    ("youtube", "YouTube"),
    ("zendesk", "Zendesk"),
    ("zoho-crm", "Zoho CRM"),
    ("zoom", "Zoom"),
];

/// The names whose app is in the catalogue, and those that it brings along.
pub(super) fn resolve(apps: &[App]) -> HashMap<String, AppId> {
    let ids: HashMap<&str, AppId> = apps.iter().map(|app| (app.name.as_str(), app.id)).collect();
    let known = NAMES.iter().filter_map(|(name, app)| Some(((*name).to_owned(), *ids.get(app)?)));
    let own = apps.iter().flat_map(|app| app.firewall_names.iter().map(|name| (name.clone(), app.id)));
    known.chain(own).collect()
}

/// The longest known name that is this one or a part of it up to a hyphen.
pub(super) fn find(known: &HashMap<String, AppId>, name: &str) -> Option<AppId> {
    let mut name = name;
    loop {
        if let Some(app) = known.get(name) {
            return Some(*app);
        }
        name = name.rsplit_once('-')?.0;
    }
}

#[cfg(test)]
mod tests {
    use super::NAMES;
    use crate::Catalogue;

    #[test]
    fn every_name_has_an_app() {
        let catalogue = Catalogue::built_in();
        for (name, app) in NAMES {
            let found = catalogue.match_application(name).and_then(|id| catalogue.app(id));
            assert_eq!(found.map(|found| found.name.as_str()), Some(*app), "{name}");
        }
    }
}
