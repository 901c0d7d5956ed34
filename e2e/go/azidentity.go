package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// where points a credential at Casbah.
var where = azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: base + "/"}}

// twice asks twice: the second token comes from the cache.
func twice[C azcore.TokenCredential](ctx context.Context, credential C, err error) error {
	if err != nil {
		return err
	}
	options := policy.TokenRequestOptions{Scopes: []string{defaultAll}}
	first, err := credential.GetToken(ctx, options)
	if err != nil {
		return err
	}
	second, err := credential.GetToken(ctx, options)
	fromCache := expect(first.Token == second.Token, "the second token is another one")
	return errors.Join(err, fromCache, listAlerts(first.Token))
}

func azidentityChecks() *checks {
	c := &checks{client: "azidentity Go", module: "github.com/Azure/azure-sdk-for-go/sdk/azidentity"}
	id, secret := os.Getenv("CASBAH_CLIENT_ID"), os.Getenv("CASBAH_CLIENT_SECRET")
	withSecret := func(secret string) (*azidentity.ClientSecretCredential, error) {
		options := azidentity.ClientSecretCredentialOptions{ClientOptions: where, DisableInstanceDiscovery: true}
		return azidentity.NewClientSecretCredential(tenant, id, secret, &options)
	}

	c.of("secret: ClientSecretCredential", func(ctx context.Context) error {
		credential, err := withSecret(secret)
		return twice(ctx, credential, err)
	})
	c.of("secret: EnvironmentCredential", func(ctx context.Context) error {
		os.Setenv("AZURE_TENANT_ID", tenant)
		os.Setenv("AZURE_CLIENT_ID", id)
		os.Setenv("AZURE_CLIENT_SECRET", secret)
		os.Setenv("AZURE_AUTHORITY_HOST", base)
		options := azidentity.EnvironmentCredentialOptions{DisableInstanceDiscovery: true}
		credential, err := azidentity.NewEnvironmentCredential(&options)
		return twice(ctx, credential, err)
	})
	c.of("certificate: ClientCertificateCredential", func(ctx context.Context) error {
		pem, err := os.ReadFile(os.Getenv("E2E_PEM"))
		if err != nil {
			return err
		}
		certificates, key, err := azidentity.ParseCertificates(pem, nil)
		if err != nil {
			return err
		}
		options := azidentity.ClientCertificateCredentialOptions{
			ClientOptions: where, DisableInstanceDiscovery: true, SendCertificateChain: true,
		}
		id := os.Getenv("E2E_CERTIFICATE_CLIENT_ID")
		credential, err := azidentity.NewClientCertificateCredential(tenant, id, certificates, key, &options)
		return twice(ctx, credential, err)
	})
	c.of("assertion: ClientAssertionCredential", func(ctx context.Context) error {
		options := azidentity.ClientAssertionCredentialOptions{ClientOptions: where, DisableInstanceDiscovery: true}
		ask := func(context.Context) (string, error) { return assertion() }
		id := os.Getenv("E2E_WORKLOAD_CLIENT_ID")
		credential, err := azidentity.NewClientAssertionCredential(tenant, id, ask, &options)
		return twice(ctx, credential, err)
	})
	c.of("workload identity", func(ctx context.Context) error {
		credential, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: where, DisableInstanceDiscovery: true, TenantID: tenant,
			ClientID: os.Getenv("E2E_WORKLOAD_CLIENT_ID"), TokenFilePath: os.Getenv("E2E_ASSERTION_FILE"),
		})
		return twice(ctx, credential, err)
	})
	c.of("errors: wrong secret", func(ctx context.Context) error {
		credential, err := withSecret("wrong")
		if err != nil {
			return err
		}
		_, err = credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{defaultAll}})
		var refused *azidentity.AuthenticationFailedError
		told := errors.As(err, &refused) && strings.Contains(err.Error(), "AADSTS7000215")
		return expect(told, "not refused as it should be: %v", err)
	})
	c.of("interactive", func(ctx context.Context) error {
		options := azidentity.InteractiveBrowserCredentialOptions{
			ClientOptions: where, DisableInstanceDiscovery: true, TenantID: tenant,
			ClientID: os.Getenv("CASBAH_PUBLIC_CLIENT_ID"),
		}
		credential, err := azidentity.NewInteractiveBrowserCredential(&options)
		return twice(ctx, credential, err)
	})
	c.of("device code", func(ctx context.Context) error {
		options := azidentity.DeviceCodeCredentialOptions{
			ClientOptions: where, DisableInstanceDiscovery: true, TenantID: tenant,
			ClientID: os.Getenv("CASBAH_PUBLIC_CLIENT_ID"),
			UserPrompt: func(_ context.Context, message azidentity.DeviceCodeMessage) error {
				approving(message.VerificationURL, message.UserCode)
				return nil
			},
		}
		credential, err := azidentity.NewDeviceCodeCredential(&options)
		return twice(ctx, credential, err)
	})
	c.of("password: UsernamePasswordCredential", func(ctx context.Context) error {
		options := azidentity.UsernamePasswordCredentialOptions{ClientOptions: where, DisableInstanceDiscovery: true}
		user, password := os.Getenv("CASBAH_USER"), os.Getenv("CASBAH_PASSWORD")
		public := os.Getenv("CASBAH_PUBLIC_CLIENT_ID")
		credential, err := azidentity.NewUsernamePasswordCredential(tenant, public, user, password, &options)
		return twice(ctx, credential, err)
	})
	c.of("on-behalf-of: OnBehalfOfCredential", func(ctx context.Context) error {
		options := azidentity.OnBehalfOfCredentialOptions{ClientOptions: where, DisableInstanceDiscovery: true}
		api, secret := os.Getenv("E2E_API_CLIENT_ID"), os.Getenv("E2E_API_CLIENT_SECRET")
		token := os.Getenv("E2E_API_TOKEN")
		credential, err := azidentity.NewOnBehalfOfCredentialWithSecret(tenant, api, token, secret, &options)
		return twice(ctx, credential, err)
	})
	c.of("silent: an account on record without a session asks for interaction", func(ctx context.Context) error {
		options := azidentity.InteractiveBrowserCredentialOptions{
			ClientOptions: where, DisableInstanceDiscovery: true, TenantID: tenant,
			ClientID: os.Getenv("CASBAH_PUBLIC_CLIENT_ID"),
		}
		credential, err := azidentity.NewInteractiveBrowserCredential(&options)
		if err != nil {
			return err
		}
		asked := policy.TokenRequestOptions{Scopes: []string{defaultAll}}
		record, err := credential.Authenticate(ctx, &asked)
		if err != nil {
			return err
		}
		known := strings.EqualFold(record.Username, os.Getenv("CASBAH_USER")) && record.TenantID == tenant
		if err := errors.Join(expect(known, "a record of %v", record), twice(ctx, credential, nil)); err != nil {
			return err
		}
		options.AuthenticationRecord, options.DisableAutomaticAuthentication = record, true
		other, err := azidentity.NewInteractiveBrowserCredential(&options)
		if err != nil {
			return err
		}
		_, err = other.GetToken(ctx, asked)
		var required *azidentity.AuthenticationRequiredError
		return expect(errors.As(err, &required), "not asked to sign in: %v", err)
	})
	return c
}
