//! The catalogue as a tenant sees it: with its own apps, and with scores by its own weights.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use casbah_discovery::Catalogue;
use casbah_discovery::catalogue::{own_app, score_with};
use casbah_model::{AppOverride, CustomApp, ScoreWeights, TenantId};
use casbah_store::{custom_apps, discovery_settings};

use crate::{Error, Service};

/// Tenants whose catalogue is kept at hand.
const MOST: usize = 200;

/// Catalogues that were made, each with what it was made of.
#[derive(Default)]
pub(crate) struct Tailored(Mutex<HashMap<TenantId, (Made, Arc<Catalogue>)>>);

/// What a catalogue is made of.
#[derive(Clone, PartialEq)]
struct Made {
    apps: Vec<CustomApp>,
    scores: Vec<(i64, i64)>,
    weights: ScoreWeights,
    /// Where the catalogue for all tenants is in memory: another one is elsewhere, as long as this one is held.
    base: usize,
}

impl Service {
    /// The catalogue as a tenant sees it.
    pub async fn catalogue_of(&self, tenant: TenantId) -> Result<Arc<Catalogue>, Error> {
        let base = self.catalogue();
        let (apps, overrides, settings) = self
            .store
            .read(move |tx| {
                Ok::<_, Error>((
                    custom_apps::list(tx, tenant)?,
                    custom_apps::overrides(tx, tenant)?,
                    discovery_settings::find(tx, tenant)?,
                ))
            })
            .await?;
        let scores: Vec<(i64, i64)> =
            overrides.iter().filter_map(|AppOverride { app, score, .. }| Some((*app, (*score)?))).collect();
        if apps.is_empty() && scores.is_empty() && settings.weights == ScoreWeights::default() {
            return Ok(base);
        }
        let made = Made { apps, scores, weights: settings.weights, base: Arc::as_ptr(&base) as usize };
        if let Some((of, catalogue)) = self.tailored.lock().get(&tenant)
            && *of == made
        {
            return Ok(catalogue.clone());
        }
        let catalogue = Arc::new(tailor(&base, &made)?);
        let mut all = self.tailored.lock();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(tenant, (made, catalogue.clone()));
        Ok(catalogue)
    }
}

impl Tailored {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, (Made, Arc<Catalogue>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tailor(base: &Catalogue, made: &Made) -> Result<Catalogue, Error> {
    let said = |id: i64| made.scores.iter().find(|(app, _)| *app == id).map(|(_, score)| *score);
    let own = made.apps.iter().filter_map(|app| {
        // They were checked when they were saved; one that a newer version refuses is left out.
        let mut known = own_app(app).ok()?;
        known.score = said(app.id).and_then(|score| u8::try_from(score).ok()).or(known.score);
        Some(known)
    });
    let score = |app: &casbah_discovery::App| match said(app.id.into()) {
        Some(score) => u8::try_from(score).ok(),
        None => score_with(&app.claims, app.founded, &made.weights),
    };
    base.tailored(own.collect(), score).map_err(Error::internal)
}
