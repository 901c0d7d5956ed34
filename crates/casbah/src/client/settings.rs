//! Which server, and who: from flags, environment, profile, or the `casbah.env` of a data directory.

use std::path::{Path, PathBuf};

use casbah_model::Secret;
use clap::{Args, ValueEnum};

use super::environment::{self, Environment};
use super::failure::Failure;
use super::oauth::COMMAND_LINE;
use super::profile::{self, Profile};

/// Name of the profile when none is named.
pub const DEFAULT_PROFILE: &str = "default";

/// Where the server is and who calls; the same for every command that talks to one.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Origin of the server [env: CASBAH_URL]
    #[arg(long, value_name = "URL", global = true)]
    pub url: Option<String>,
    /// PEM file with the certificate authority to trust [env: CASBAH_CA]
    #[arg(long, value_name = "FILE", global = true)]
    pub ca: Option<PathBuf>,
    /// Tenant id or domain [env: CASBAH_TENANT]
    #[arg(long, value_name = "TENANT", global = true)]
    pub tenant: Option<String>,
    /// Sign-in to use, from `casbah login` [env: CASBAH_PROFILE]
    #[arg(long, value_name = "NAME", global = true)]
    pub profile: Option<String>,
    /// Folder whose casbah.env names the server and the credentials
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Whose rights to use, where several are at hand
    #[arg(long = "as", value_name = "WHO", value_enum, global = true)]
    pub acting: Option<Acting>,
}

/// Whose rights to use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Acting {
    /// The signed-in user, or CASBAH_USER with CASBAH_PASSWORD
    User,
    /// The application CASBAH_CLIENT_ID with CASBAH_CLIENT_SECRET
    App,
    /// The legacy token CASBAH_API_TOKEN
    Token,
}

/// Where a server is.
#[derive(Clone, Debug)]
pub struct Server {
    /// Origin, without a final slash.
    pub url: String,
    /// Authority to trust; none means those of the machine.
    pub ca: Option<PathBuf>,
    /// Tenant id or domain.
    pub tenant: String,
}

/// What proves who the caller is.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A kept sign-in, by name.
    Profile(String),
    /// A user with a password, through a public application.
    User {
        /// Application id of the public application.
        client_id: String,
        /// Sign-in name.
        user: String,
        /// Password.
        password: Secret,
    },
    /// An application.
    Application {
        /// Application id.
        client_id: String,
        /// Its secret.
        secret: Secret,
    },
    /// A legacy token.
    ApiToken(Secret),
    /// Nothing.
    None,
}

/// Everything known about the server, before flags are applied.
#[derive(Default)]
pub struct Known {
    /// Values by the names of `casbah.env`.
    pub environment: Environment,
    /// Name of the profile that `environment` comes from.
    pub profile: Option<String>,
}

/// Finds what is known, the strongest source first: `--data-dir`, `--profile`, environment variables,
/// the default profile, the last `casbah dev`.
pub fn known(arguments: &ConnectionArgs) -> Result<Known, Failure> {
    match profile_name(arguments) {
        Some(name) if arguments.data_dir.is_none() => match Profile::load(&name)? {
            Some(profile) => Ok(from_profile(name, &profile)),
            None => Err(Failure::new(
                super::Exit::NotSignedIn,
                format!("there is no profile {name}; run `casbah login --profile {name}`"),
            )),
        },
        _ => known_without_name(arguments),
    }
}

/// The profile that was named, by flag or variable.
pub fn profile_name(arguments: &ConnectionArgs) -> Option<String> {
    arguments.profile.clone().or_else(|| std::env::var("CASBAH_PROFILE").ok().filter(|name| !name.is_empty()))
}

/// As [`known`], but where a profile is named it need not exist yet.
pub fn known_without_name(arguments: &ConnectionArgs) -> Result<Known, Failure> {
    let from_file = |folder: &Path| {
        let environment = Environment::read(&folder.join(environment::FILE))?;
        Ok(Known { environment, profile: None })
    };
    if let Some(folder) = &arguments.data_dir {
        return from_file(folder);
    }
    let process = Environment::of_process();
    if process.value("CASBAH_URL").is_some() || arguments.url.is_some() {
        return Ok(Known { environment: process, profile: None });
    }
    if let Some(folder) = process.value("CASBAH_DATA_DIR").map(PathBuf::from)
        && folder.join(environment::FILE).is_file()
    {
        return from_file(&folder);
    }
    if let Some(profile) = Profile::load(DEFAULT_PROFILE).ok().flatten() {
        return Ok(from_profile(DEFAULT_PROFILE.to_string(), &profile));
    }
    match profile::last_development() {
        Some(folder) => from_file(&folder),
        None => Ok(Known { environment: process, profile: None }),
    }
}

fn from_profile(name: String, profile: &Profile) -> Known {
    let mut environment = Environment::default();
    environment.set("CASBAH_URL", &profile.url);
    environment.set("CASBAH_TENANT", &profile.tenant);
    environment.set("CASBAH_PUBLIC_CLIENT_ID", &profile.client_id);
    environment.set("CASBAH_USER", &profile.user);
    if let Some(ca) = &profile.ca {
        environment.set("CASBAH_CA", ca.to_string_lossy());
    }
    // An application's credentials are never kept in a profile, but may stand beside one.
    let process = Environment::of_process();
    for name in ["CASBAH_CLIENT_ID", "CASBAH_CLIENT_SECRET", "CASBAH_API_TOKEN"] {
        environment.set(name, process.value(name).unwrap_or_default());
    }
    Known { environment, profile: Some(name) }
}

/// The server and the credentials to use.
pub(super) fn resolve(arguments: &ConnectionArgs) -> Result<(Server, Credentials), Failure> {
    let known = known(arguments)?;
    let server = server_of(arguments, &known.environment)?;
    // A sign-in at one server is never shown to another.
    let elsewhere = arguments.url.is_some()
        && known.environment.value("CASBAH_URL").is_some_and(|url| trim(url) != server.url);
    let credentials = if elsewhere { Credentials::None } else { credentials(arguments.acting, &known)? };
    Ok((server, credentials))
}

/// Where the server is.
pub fn server_of(arguments: &ConnectionArgs, environment: &Environment) -> Result<Server, Failure> {
    let url = arguments.url.as_deref().or_else(|| environment.value("CASBAH_URL")).ok_or_else(|| {
        Failure::new(
            super::Exit::NotSignedIn,
            "no server is known: give --url, set CASBAH_URL, run `casbah login --url URL`, or start one with `casbah dev`",
        )
    })?;
    let parsed = url::Url::parse(url).map_err(|_| Failure::usage(format!("{url:?} is not a URL")))?;
    if parsed.host_str().is_none() {
        return Err(Failure::usage(format!("{url:?} names no host")));
    }
    let tenant = arguments.tenant.as_deref().or_else(|| environment.value("CASBAH_TENANT"));
    let tenant = tenant.unwrap_or("organizations").to_string();
    if !tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-') {
        return Err(Failure::usage(format!("{tenant:?} is neither a tenant id nor a domain")));
    }
    let ca = arguments.ca.clone().or_else(|| environment.value("CASBAH_CA").map(PathBuf::from));
    Ok(Server { url: trim(url), ca, tenant })
}

fn trim(url: &str) -> String {
    url.trim_end_matches('/').to_string()
}

fn credentials(acting: Option<Acting>, known: &Known) -> Result<Credentials, Failure> {
    let value = |name| known.environment.value(name);
    let secret = |name| value(name).map(Secret::new);
    let user = || match (&known.profile, value("CASBAH_USER"), secret("CASBAH_PASSWORD")) {
        (Some(name), ..) => Some(Credentials::Profile(name.clone())),
        (None, Some(user), Some(password)) => {
            let client_id = value("CASBAH_PUBLIC_CLIENT_ID").unwrap_or(COMMAND_LINE).to_string();
            Some(Credentials::User { client_id, user: user.to_string(), password })
        }
        _ => None,
    };
    let application = || {
        let client_id = value("CASBAH_CLIENT_ID")?.to_string();
        Some(Credentials::Application { client_id, secret: secret("CASBAH_CLIENT_SECRET")? })
    };
    let api_token = || secret("CASBAH_API_TOKEN").map(Credentials::ApiToken);
    let missing = |what: &str| Failure::new(super::Exit::NotSignedIn, what.to_string());
    match acting {
        None => Ok(user().or_else(application).or_else(api_token).unwrap_or(Credentials::None)),
        Some(Acting::User) => user().ok_or_else(|| {
            missing("nobody is signed in: run `casbah login`, or set CASBAH_USER and CASBAH_PASSWORD")
        }),
        Some(Acting::App) => application()
            .ok_or_else(|| missing("set CASBAH_CLIENT_ID and CASBAH_CLIENT_SECRET to act as an application")),
        Some(Acting::Token) => {
            api_token().ok_or_else(|| missing("set CASBAH_API_TOKEN to use a legacy token"))
        }
    }
}
