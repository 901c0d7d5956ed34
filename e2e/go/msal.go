package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

func confidentialClient(id, secret string, options ...confidential.Option) (confidential.Client, error) {
	credential, err := confidential.NewCredFromSecret(secret)
	if err != nil {
		return confidential.Client{}, err
	}
	options = append(options, confidential.WithInstanceDiscovery(false))
	return confidential.New(authority, id, credential, options...)
}

func daemon(options ...confidential.Option) (confidential.Client, error) {
	return confidentialClient(os.Getenv("CASBAH_CLIENT_ID"), os.Getenv("CASBAH_CLIENT_SECRET"), options...)
}

func web() (confidential.Client, error) {
	return confidentialClient(os.Getenv("E2E_WEB_CLIENT_ID"), os.Getenv("E2E_WEB_CLIENT_SECRET"))
}

func publicClient(options ...public.Option) (public.Client, error) {
	options = append(options, public.WithAuthority(authority), public.WithInstanceDiscovery(false))
	return public.New(os.Getenv("CASBAH_PUBLIC_CLIENT_ID"), options...)
}

// appOnly asks twice: the second answer comes from the cache.
func appOnly(ctx context.Context, client confidential.Client, err error) error {
	if err != nil {
		return err
	}
	first, err := client.AcquireTokenByCredential(ctx, []string{defaultAll})
	if err != nil {
		return err
	}
	if err := listAlerts(first.AccessToken); err != nil {
		return err
	}
	second, err := client.AcquireTokenByCredential(ctx, []string{defaultAll})
	fromCache := second.Metadata.TokenSource == confidential.TokenSourceCache
	return errors.Join(err, expect(fromCache, "the second token is not from the cache"))
}

func ofTheUser(result public.AuthResult, err error) error {
	if err != nil {
		return err
	}
	name := result.Account.PreferredUsername
	return errors.Join(
		expect(strings.EqualFold(name, os.Getenv("CASBAH_USER")), "signed in as %q", name),
		expect(strings.HasSuffix(result.Account.HomeAccountID, "."+tenant), "no client_info was understood"),
		listAlerts(result.AccessToken),
	)
}

// memory is a cache outside the client, in which an hour can pass.
type memory struct{ content []byte }

func (m *memory) Export(_ context.Context, from cache.Marshaler, _ cache.ExportHints) error {
	content, err := from.Marshal()
	m.content = content
	return err
}

func (m *memory) Replace(_ context.Context, into cache.Unmarshaler, _ cache.ReplaceHints) error {
	if m.content == nil {
		return nil
	}
	return into.Unmarshal(m.content)
}

// expire puts the end of all access tokens into the past.
func (m *memory) expire() error {
	var content map[string]map[string]map[string]any
	if err := json.Unmarshal(m.content, &content); err != nil {
		return err
	}
	for _, token := range content["AccessToken"] {
		token["expires_on"], token["extended_expires_on"] = "1700000000", "1700000000"
	}
	var err error
	m.content, err = json.Marshal(content)
	return err
}

func msalChecks() *checks {
	c := &checks{client: "MSAL Go", module: "github.com/AzureAD/microsoft-authentication-library-for-go"}

	c.of("secret", func(ctx context.Context) error {
		// This library asks for scopes of OpenID Connect here, too.
		client, err := daemon()
		return appOnly(ctx, client, err)
	})
	c.of("secret: CP1", func(ctx context.Context) error {
		client, err := daemon(confidential.WithClientCapabilities([]string{"cp1"}))
		return appOnly(ctx, client, err)
	})
	withCertificate := func(options ...confidential.Option) func(context.Context) error {
		return func(ctx context.Context) error {
			pem, err := os.ReadFile(os.Getenv("E2E_PEM"))
			if err != nil {
				return err
			}
			certificates, key, err := confidential.CertFromPEM(pem, "")
			if err != nil {
				return err
			}
			credential, err := confidential.NewCredFromCert(certificates, key)
			if err != nil {
				return err
			}
			options := append(options, confidential.WithInstanceDiscovery(false))
			id := os.Getenv("E2E_CERTIFICATE_CLIENT_ID")
			client, err := confidential.New(authority, id, credential, options...)
			return appOnly(ctx, client, err)
		}
	}
	c.of("certificate: x5t#S256 in standard base64", withCertificate())
	c.of("certificate: with x5c", withCertificate(confidential.WithX5C()))
	c.of("assertion: of another issuer, by a function", func(ctx context.Context) error {
		credential := confidential.NewCredFromAssertionCallback(
			func(context.Context, confidential.AssertionRequestOptions) (string, error) { return assertion() },
		)
		id := os.Getenv("E2E_WORKLOAD_CLIENT_ID")
		client, err := confidential.New(authority, id, credential, confidential.WithInstanceDiscovery(false))
		return appOnly(ctx, client, err)
	})
	c.of("errors: wrong secret", func(ctx context.Context) error {
		client, err := confidentialClient(os.Getenv("CASBAH_CLIENT_ID"), "wrong")
		if err != nil {
			return err
		}
		_, err = client.AcquireTokenByCredential(ctx, []string{defaultAll})
		return expect(err != nil && strings.Contains(err.Error(), "AADSTS7000215"), "not refused: %v", err)
	})
	c.of("code: public client", func(ctx context.Context) error {
		// The address has neither state nor PKCE nor scopes of OpenID Connect.
		client, err := publicClient()
		if err != nil {
			return err
		}
		l, err := listen()
		if err != nil {
			return err
		}
		authorize, err := client.AuthCodeURL(ctx, os.Getenv("CASBAH_PUBLIC_CLIENT_ID"), l.address, []string{read})
		if err != nil {
			return err
		}
		code, err := l.code(authorize)
		if err != nil {
			return err
		}
		return ofTheUser(client.AcquireTokenByAuthCode(ctx, code, l.address, []string{read}))
	})
	c.of("code: confidential client", func(ctx context.Context) error {
		client, err := web()
		if err != nil {
			return err
		}
		l, err := listen()
		if err != nil {
			return err
		}
		authorize, err := client.AuthCodeURL(ctx, os.Getenv("E2E_WEB_CLIENT_ID"), l.address, []string{read})
		if err != nil {
			return err
		}
		code, err := l.code(authorize)
		if err != nil {
			return err
		}
		return ofTheUser(client.AcquireTokenByAuthCode(ctx, code, l.address, []string{read}))
	})
	c.of("interactive", func(ctx context.Context) error {
		client, err := publicClient()
		if err != nil {
			return err
		}
		open := func(address string) error { go signIn(address); return nil }
		return ofTheUser(client.AcquireTokenInteractive(ctx, []string{read}, public.WithOpenURL(open)))
	})
	c.of("device code", func(ctx context.Context) error {
		client, err := publicClient()
		if err != nil {
			return err
		}
		device, err := client.AcquireTokenByDeviceCode(ctx, []string{read})
		if err != nil {
			return err
		}
		// It polls after 150 ms already, whatever the interval says.
		time.AfterFunc(time.Second, func() { approving(device.Result.VerificationURL, device.Result.UserCode) })
		return ofTheUser(device.AuthenticationResult(ctx))
	})
	c.of("password", func(ctx context.Context) error {
		client, err := publicClient()
		if err != nil {
			return err
		}
		return ofTheUser(byPassword(ctx, client))
	})
	c.of("silent: from the cache, and refreshed after expiry", func(ctx context.Context) error {
		memory := &memory{}
		client, err := publicClient(public.WithCache(memory))
		if err != nil {
			return err
		}
		first, err := byPassword(ctx, client)
		if err != nil {
			return err
		}
		silent := func() (public.AuthResult, error) {
			return client.AcquireTokenSilent(ctx, []string{defaultAll}, public.WithSilentAccount(first.Account))
		}
		from := func(source public.TokenSource) error {
			result, err := silent()
			if err != nil {
				return err
			}
			found := result.Metadata.TokenSource
			return errors.Join(expect(found == source, "source %v", found), listAlerts(result.AccessToken))
		}
		if err := from(public.TokenSourceCache); err != nil {
			return err
		}
		if err := memory.expire(); err != nil {
			return err
		}
		// The entry of `.default` is found again after it was refreshed.
		return errors.Join(from(public.TokenSourceIdentityProvider), from(public.TokenSourceCache))
	})
	c.of("on-behalf-of", func(ctx context.Context) error {
		client, err := confidentialClient(os.Getenv("E2E_API_CLIENT_ID"), os.Getenv("E2E_API_CLIENT_SECRET"))
		if err != nil {
			return err
		}
		return ofTheUser(client.AcquireTokenOnBehalfOf(ctx, os.Getenv("E2E_API_TOKEN"), []string{read}))
	})
	return c
}

func byPassword(ctx context.Context, client public.Client) (public.AuthResult, error) {
	user, password := os.Getenv("CASBAH_USER"), os.Getenv("CASBAH_PASSWORD")
	return client.AcquireTokenByUsernamePassword(ctx, []string{defaultAll}, user, password)
}

// assertion is a token of the issuer that the workload comes from.
func assertion() (string, error) {
	text, err := os.ReadFile(os.Getenv("E2E_ASSERTION_FILE"))
	return string(text), err
}
