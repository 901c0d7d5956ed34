package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-azure-sdk/microsoft-graph/applications/stable/application"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/applications/stable/federatedidentitycredential"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/applications/stable/owner"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/common-types/stable"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/directory/stable/deleteditem"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/groups/stable/group"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/groups/stable/member"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/oauth2permissiongrants/stable/oauth2permissiongrant"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/serviceprincipals/stable/approleassignedto"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/serviceprincipals/stable/serviceprincipal"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/users/stable/user"
	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/claims"
	"github.com/hashicorp/go-azure-sdk/sdk/client"
	"github.com/hashicorp/go-azure-sdk/sdk/client/msgraph"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"
	"github.com/hashicorp/go-azure-sdk/sdk/nullable"
)

// The SDK beneath the Terraform provider azuread, used as the provider uses it: the cloud from the metadata
// endpoint, and each resource in the order in which the provider makes, reads and removes it.

// terraform is what a provider that was configured has.
type terraform struct {
	environment *environments.Environment
	authorizer  auth.Authorizer
}

// configure does what the provider does with ARM_METADATA_HOSTNAME and credentials.
func configure(ctx context.Context, credentials auth.Credentials) (*terraform, error) {
	environment, err := environments.FromEndpoint(ctx, base)
	if err != nil {
		return nil, err
	}
	credentials.Environment, credentials.TenantID = *environment, tenant
	authorizer, err := auth.NewAuthorizerFromCredentials(ctx, credentials, environment.MicrosoftGraph)
	return &terraform{environment, authorizer}, err
}

func withSecret(ctx context.Context) (*terraform, error) {
	return configure(ctx, auth.Credentials{
		ClientID: os.Getenv("E2E_DIRECTORY_CLIENT_ID"), EnableAuthenticatingUsingClientSecret: true,
		ClientSecret: os.Getenv("E2E_DIRECTORY_CLIENT_SECRET"),
	})
}

// use gives a client of the SDK the credentials.
func use[C any](t *terraform, made C, err error, inner func(C) *msgraph.Client) (C, error) {
	if err == nil {
		inner(made).SetAuthorizer(t.authorizer)
	}
	return made, err
}

func (t *terraform) applications() (*application.ApplicationClient, error) {
	made, err := application.NewApplicationClientWithBaseURI(t.environment.MicrosoftGraph)
	return use(t, made, err, func(c *application.ApplicationClient) *msgraph.Client { return c.Client })
}

func (t *terraform) principals() (*serviceprincipal.ServicePrincipalClient, error) {
	made, err := serviceprincipal.NewServicePrincipalClientWithBaseURI(t.environment.MicrosoftGraph)
	return use(t, made, err, func(c *serviceprincipal.ServicePrincipalClient) *msgraph.Client { return c.Client })
}

// gone is what the provider waits for after a removal.
func gone(answer *http.Response, err error) error {
	return expect(err != nil && answer != nil && answer.StatusCode == http.StatusNotFound, "still there: %v", err)
}

func graphChecks() *checks {
	c := &checks{client: "go-azure-sdk (Terraform)", module: "github.com/hashicorp/go-azure-sdk/microsoft-graph"}
	directory := func(check func(context.Context, *terraform) error) func(context.Context) error {
		return func(ctx context.Context) error {
			t, err := withSecret(ctx)
			if err != nil {
				return err
			}
			return check(ctx, t)
		}
	}
	// The SDK logs every request.
	log.SetOutput(io.Discard)
	c.of("secret: the cloud from its metadata, and the claims that the provider reads", directory(tokenOfProvider))
	c.of("certificate", func(ctx context.Context) error {
		t, err := configure(ctx, auth.Credentials{
			ClientID: os.Getenv("E2E_CERTIFICATE_CLIENT_ID"), EnableAuthenticatingUsingClientCertificate: true,
			ClientCertificatePath: os.Getenv("E2E_PFX"), ClientCertificatePassword: os.Getenv("E2E_PFX_PASSWORD"),
		})
		return errors.Join(err, tokenFor(ctx, t, os.Getenv("E2E_CERTIFICATE_CLIENT_ID")))
	})
	c.of("assertion: OpenID Connect", func(ctx context.Context) error {
		token, err := assertion()
		if err != nil {
			return err
		}
		t, err := configure(ctx, auth.Credentials{
			ClientID: os.Getenv("E2E_WORKLOAD_CLIENT_ID"), EnableAuthenticationUsingOIDC: true, OIDCAssertionToken: token,
		})
		return errors.Join(err, tokenFor(ctx, t, os.Getenv("E2E_WORKLOAD_CLIENT_ID")))
	})
	c.of("directory: azuread_application and its parts", directory(applicationOfProvider))
	c.of("directory: azuread_service_principal, role and delegated grant", directory(principalOfProvider))
	c.of("directory: azuread_user and azuread_group", directory(groupOfProvider))
	c.of("errors: wrong secret", func(ctx context.Context) error {
		t, err := configure(ctx, auth.Credentials{
			ClientID: os.Getenv("E2E_DIRECTORY_CLIENT_ID"), EnableAuthenticatingUsingClientSecret: true, ClientSecret: "wrong",
		})
		if err != nil {
			return err
		}
		_, err = t.authorizer.Token(ctx, &http.Request{})
		return expect(err != nil && strings.Contains(err.Error(), "AADSTS7000215"), "not refused: %v", err)
	})
	return c
}

func tokenFor(ctx context.Context, t *terraform, id string) error {
	if t == nil {
		return errors.New("not configured")
	}
	token, err := t.authorizer.Token(ctx, &http.Request{})
	if err != nil {
		return err
	}
	inside, err := claims.ParseClaims(token)
	return errors.Join(err, expect(inside.AppId == id && inside.TenantId == tenant && inside.ObjectId != "", "%+v", inside))
}

func tokenOfProvider(ctx context.Context, t *terraform) error {
	return tokenFor(ctx, t, os.Getenv("E2E_DIRECTORY_CLIENT_ID"))
}

// me is the object that the provider itself is.
func (t *terraform) me(ctx context.Context) (string, error) {
	token, err := t.authorizer.Token(ctx, &http.Request{})
	if err != nil {
		return "", err
	}
	inside, err := claims.ParseClaims(token)
	return inside.ObjectId, err
}

func applicationOfProvider(ctx context.Context, t *terraform) error {
	clients, err := t.applications()
	if err != nil {
		return err
	}
	me, err := t.me(ctx)
	if err != nil {
		return err
	}
	bound := []string{base + "/v1.0/directoryObjects/" + me}
	made, err := clients.CreateApplication(ctx, stable.Application{
		DisplayName: nullable.Value("made by terraform"), SignInAudience: nullable.Value("AzureADMyOrg"),
		Owners_ODataBind: &bound, Tags: &[]string{},
		Web: &stable.WebApplication{RedirectUris: &[]string{"https://app.example/cb"}},
	}, application.DefaultCreateApplicationOperationOptions())
	if err != nil {
		return fmt.Errorf("creating: %w", err)
	}
	id := stable.NewApplicationID(*made.Model.Id)
	// It waits for replication by a change that it takes back.
	for _, name := range []string{"TERRAFORM_UPDATE_1", "made by terraform"} {
		change := stable.Application{DisplayName: nullable.Value(name)}
		if _, err := clients.UpdateApplication(ctx, id, change, application.DefaultUpdateApplicationOperationOptions()); err != nil {
			return fmt.Errorf("updating: %w", err)
		}
		found, err := clients.GetApplication(ctx, id, application.DefaultGetApplicationOperationOptions())
		if err != nil || found.Model.DisplayName.GetOrZero() != name {
			return fmt.Errorf("after the update: %v, %v", found.Model, err)
		}
	}
	return errors.Join(
		requirePostResponse(ctx, t, id),
		ownersOfProvider(ctx, t, id, me),
		passwordOfProvider(ctx, clients, id),
		federatedOfProvider(ctx, t, id),
		restoreOfProvider(ctx, t, clients, id),
	)
}

// requirePostResponse is one property that the provider reads from /beta.
func requirePostResponse(ctx context.Context, t *terraform, id stable.ApplicationId) error {
	beta, err := t.beta("application")
	if err != nil {
		return err
	}
	request, err := beta.NewRequest(ctx, client.RequestOptions{
		ContentType: "application/json; charset=utf-8", ExpectedStatusCodes: []int{http.StatusOK},
		HttpMethod: http.MethodGet, Path: id.ID(),
	})
	if err != nil {
		return err
	}
	answer, err := request.Execute(ctx)
	if err != nil {
		return err
	}
	var found struct {
		Required *bool `json:"oauth2RequirePostResponse"`
	}
	return errors.Join(answer.Unmarshal(&found), expect(found.Required != nil && !*found.Required, "%+v", found))
}

func ownersOfProvider(ctx context.Context, t *terraform, id stable.ApplicationId, me string) error {
	made, err := owner.NewOwnerClientWithBaseURI(t.environment.MicrosoftGraph)
	owners, err := use(t, made, err, func(c *owner.OwnerClient) *msgraph.Client { return c.Client })
	if err != nil {
		return err
	}
	list := func(wanted ...string) error {
		found, err := owners.ListOwners(ctx, id, owner.DefaultListOwnersOperationOptions())
		if err != nil {
			return err
		}
		var ids []string
		for _, one := range *found.Model {
			ids = append(ids, *one.DirectoryObject().Id)
		}
		slices.Sort(ids)
		slices.Sort(wanted)
		return expect(slices.Equal(ids, wanted), "owned by %v instead of %v", ids, wanted)
	}
	if err := list(me); err != nil {
		return err
	}
	person, err := t.person(ctx)
	if err != nil {
		return err
	}
	reference := base + "/v1.0/directoryObjects/" + person
	if _, err := owners.AddOwnerRef(ctx, id, stable.ReferenceCreate{ODataId: &reference}, owner.DefaultAddOwnerRefOperationOptions()); err != nil {
		return err
	}
	if err := list(me, person); err != nil {
		return err
	}
	other := stable.NewApplicationIdOwnerID(id.ApplicationId, person)
	_, err = owners.RemoveOwnerRef(ctx, other, owner.DefaultRemoveOwnerRefOperationOptions())
	return errors.Join(err, list(me))
}

func (t *terraform) users() (*user.UserClient, error) {
	made, err := user.NewUserClientWithBaseURI(t.environment.MicrosoftGraph)
	return use(t, made, err, func(c *user.UserClient) *msgraph.Client { return c.Client })
}

// person is the administrator's object, as the data source finds it.
func (t *terraform) person(ctx context.Context) (string, error) {
	users, err := t.users()
	if err != nil {
		return "", err
	}
	options := user.DefaultListUsersOperationOptions()
	filter := fmt.Sprintf("userPrincipalName eq '%s'", os.Getenv("CASBAH_USER"))
	options.Filter = &filter
	found, err := users.ListUsers(ctx, options)
	if err != nil || len(*found.Model) != 1 {
		return "", fmt.Errorf("the administrator was not found: %v, %w", found.Model, err)
	}
	return *(*found.Model)[0].Id, nil
}

func passwordOfProvider(ctx context.Context, clients *application.ApplicationClient, id stable.ApplicationId) error {
	made, err := clients.AddPassword(ctx, id, application.AddPasswordRequest{
		PasswordCredential: &stable.PasswordCredential{
			DisplayName: nullable.Value("rotated"), EndDateTime: nullable.Value(time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339)),
		},
	}, application.DefaultAddPasswordOperationOptions())
	if err != nil {
		return fmt.Errorf("adding a password: %w", err)
	}
	key := made.Model.KeyId.GetOrZero()
	// Polled until the key shows up: at once.
	found, err := clients.GetApplication(ctx, id, application.DefaultGetApplicationOperationOptions())
	if err != nil {
		return err
	}
	listed := slices.ContainsFunc(*found.Model.PasswordCredentials, func(one stable.PasswordCredential) bool {
		return one.KeyId.GetOrZero() == key && one.SecretText.GetOrZero() == ""
	})
	if err := expect(listed && made.Model.SecretText.GetOrZero() != "", "the key %s is not there", key); err != nil {
		return err
	}
	_, err = clients.RemovePassword(ctx, id, application.RemovePasswordRequest{KeyId: &key}, application.DefaultRemovePasswordOperationOptions())
	return err
}

func federatedOfProvider(ctx context.Context, t *terraform, id stable.ApplicationId) error {
	made, err := federatedidentitycredential.NewFederatedIdentityCredentialClientWithBaseURI(t.environment.MicrosoftGraph)
	credentials, err := use(t, made, err, func(c *federatedidentitycredential.FederatedIdentityCredentialClient) *msgraph.Client {
		return c.Client
	})
	if err != nil {
		return err
	}
	wanted := stable.FederatedIdentityCredential{
		Name: "main", Issuer: "https://ci.example", Subject: "repo:a/b", Audiences: []string{"api://AzureADTokenExchange"},
	}
	created, err := credentials.CreateFederatedIdentityCredential(ctx, id, wanted, federatedidentitycredential.DefaultCreateFederatedIdentityCredentialOperationOptions())
	if err != nil {
		return fmt.Errorf("a federated credential: %w", err)
	}
	one := stable.NewApplicationIdFederatedIdentityCredentialID(id.ApplicationId, *created.Model.Id)
	wanted.Subject = "repo:a/c"
	if _, err := credentials.UpdateFederatedIdentityCredential(ctx, one, wanted, federatedidentitycredential.DefaultUpdateFederatedIdentityCredentialOperationOptions()); err != nil {
		return err
	}
	found, err := credentials.GetFederatedIdentityCredential(ctx, one, federatedidentitycredential.DefaultGetFederatedIdentityCredentialOperationOptions())
	if err != nil || found.Model.Subject != wanted.Subject {
		return fmt.Errorf("the changed credential: %+v, %v", found.Model, err)
	}
	if _, err := credentials.DeleteFederatedIdentityCredential(ctx, one, federatedidentitycredential.DefaultDeleteFederatedIdentityCredentialOperationOptions()); err != nil {
		return err
	}
	found, err = credentials.GetFederatedIdentityCredential(ctx, one, federatedidentitycredential.DefaultGetFederatedIdentityCredentialOperationOptions())
	return gone(found.HttpResponse, err)
}

func restoreOfProvider(ctx context.Context, t *terraform, clients *application.ApplicationClient, id stable.ApplicationId) error {
	made, err := deleteditem.NewDeletedItemClientWithBaseURI(t.environment.MicrosoftGraph)
	deleted, err := use(t, made, err, func(c *deleteditem.DeletedItemClient) *msgraph.Client { return c.Client })
	if err != nil {
		return err
	}
	remove := func() error {
		if _, err := clients.DeleteApplication(ctx, id, application.DefaultDeleteApplicationOperationOptions()); err != nil {
			return err
		}
		found, err := clients.GetApplication(ctx, id, application.DefaultGetApplicationOperationOptions())
		return gone(found.HttpResponse, err)
	}
	if err := remove(); err != nil {
		return err
	}
	item := stable.NewDirectoryDeletedItemID(id.ApplicationId)
	kept, err := deleted.GetDeletedItem(ctx, item, deleteditem.DefaultGetDeletedItemOperationOptions())
	if err != nil {
		return fmt.Errorf("the deleted application: %w", err)
	}
	if _, isOne := kept.Model.(stable.Application); !isOne {
		return fmt.Errorf("the deleted application is a %T", kept.Model)
	}
	if _, err := deleted.RestoreDeletedItem(ctx, item, deleteditem.DefaultRestoreDeletedItemOperationOptions()); err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	found, err := clients.GetApplication(ctx, id, application.DefaultGetApplicationOperationOptions())
	if err != nil || found.Model.DisplayName.GetOrZero() != "made by terraform" {
		return fmt.Errorf("the restored application: %v", err)
	}
	if err := remove(); err != nil {
		return err
	}
	_, err = deleted.DeleteDeletedItem(ctx, item, deleteditem.DefaultDeleteDeletedItemOperationOptions())
	return err
}

func principalOfProvider(ctx context.Context, t *terraform) error {
	clients, err := t.applications()
	if err != nil {
		return err
	}
	principals, err := t.principals()
	if err != nil {
		return err
	}
	app, err := clients.CreateApplication(ctx, stable.Application{DisplayName: nullable.Value("with a principal")}, application.DefaultCreateApplicationOperationOptions())
	if err != nil {
		return err
	}
	find := func(appID string) (*[]stable.ServicePrincipal, error) {
		options := serviceprincipal.DefaultListServicePrincipalsOperationOptions()
		filter := fmt.Sprintf("appId eq '%s'", appID)
		options.Filter = &filter
		found, err := principals.ListServicePrincipals(ctx, options)
		return found.Model, err
	}
	appID := app.Model.AppId.GetOrZero()
	if before, err := find(appID); err != nil || len(*before) != 0 {
		return fmt.Errorf("a principal before its creation: %v", err)
	}
	made, err := principals.CreateServicePrincipal(ctx, stable.ServicePrincipal{
		AppId: nullable.Value(appID), AccountEnabled: nullable.Value(true), AppRoleAssignmentRequired: pointer(false),
		Tags: &[]string{"from terraform"},
	}, serviceprincipal.DefaultCreateServicePrincipalOperationOptions())
	if err != nil {
		return fmt.Errorf("a service principal: %w", err)
	}
	id := stable.NewServicePrincipalID(*made.Model.Id)
	change := stable.ServicePrincipal{Description: nullable.Value("changed"), AppRoleAssignmentRequired: pointer(true)}
	if _, err := principals.UpdateServicePrincipal(ctx, id, change, serviceprincipal.DefaultUpdateServicePrincipalOperationOptions()); err != nil {
		return fmt.Errorf("updating the service principal: %w", err)
	}
	own, err := principals.GetServicePrincipal(ctx, id, serviceprincipal.DefaultGetServicePrincipalOperationOptions())
	if err != nil || own.Model.Description.GetOrZero() != "changed" {
		return fmt.Errorf("the changed service principal: %+v, %v", own.Model, err)
	}
	found, err := find(resource)
	if err != nil || len(*found) != 1 {
		return fmt.Errorf("the resource was not found: %v", err)
	}
	api := (*found)[0]
	if err := errors.Join(roleOfProvider(ctx, t, api, id), delegatedOfProvider(ctx, t, *api.Id, id)); err != nil {
		return err
	}
	if _, err := principals.DeleteServicePrincipal(ctx, id, serviceprincipal.DefaultDeleteServicePrincipalOperationOptions()); err != nil {
		return err
	}
	after, err := principals.GetServicePrincipal(ctx, id, serviceprincipal.DefaultGetServicePrincipalOperationOptions())
	_, removed := clients.DeleteApplication(ctx, stable.NewApplicationID(*app.Model.Id), application.DefaultDeleteApplicationOperationOptions())
	return errors.Join(gone(after.HttpResponse, err), removed)
}

func pointer[T any](value T) *T { return &value }

func roleOfProvider(ctx context.Context, t *terraform, api stable.ServicePrincipal, id stable.ServicePrincipalId) error {
	made, err := approleassignedto.NewAppRoleAssignedToClientWithBaseURI(t.environment.MicrosoftGraph)
	assigned, err := use(t, made, err, func(c *approleassignedto.AppRoleAssignedToClient) *msgraph.Client { return c.Client })
	if err != nil {
		return err
	}
	role := slices.IndexFunc(*api.AppRoles, func(one stable.AppRole) bool { return one.Value.GetOrZero() == "investigation.read" })
	if role < 0 {
		return errors.New("no such role")
	}
	resource := stable.NewServicePrincipalID(*api.Id)
	created, err := assigned.CreateAppRoleAssignedTo(ctx, resource, stable.AppRoleAssignment{
		AppRoleId: (*api.AppRoles)[role].Id, PrincipalId: nullable.Value(id.ServicePrincipalId), ResourceId: nullable.Value(*api.Id),
	}, approleassignedto.DefaultCreateAppRoleAssignedToOperationOptions())
	if err != nil {
		return fmt.Errorf("assigning a role: %w", err)
	}
	all, err := assigned.ListAppRoleAssignedTosComplete(ctx, resource, approleassignedto.DefaultListAppRoleAssignedTosOperationOptions())
	if err != nil {
		return err
	}
	listed := slices.ContainsFunc(all.Items, func(one stable.AppRoleAssignment) bool {
		return *one.Id == *created.Model.Id && one.PrincipalType.GetOrZero() == "ServicePrincipal"
	})
	one := stable.NewServicePrincipalIdAppRoleAssignedToID(*api.Id, *created.Model.Id)
	_, err = assigned.DeleteAppRoleAssignedTo(ctx, one, approleassignedto.DefaultDeleteAppRoleAssignedToOperationOptions())
	return errors.Join(expect(listed, "the assignment is not listed"), err)
}

func delegatedOfProvider(ctx context.Context, t *terraform, api string, id stable.ServicePrincipalId) error {
	made, err := oauth2permissiongrant.NewOAuth2PermissionGrantClientWithBaseURI(t.environment.MicrosoftGraph)
	grants, err := use(t, made, err, func(c *oauth2permissiongrant.OAuth2PermissionGrantClient) *msgraph.Client { return c.Client })
	if err != nil {
		return err
	}
	wanted := stable.OAuth2PermissionGrant{
		ClientId: id.ServicePrincipalId, ConsentType: nullable.Value("AllPrincipals"), ResourceId: &api,
		Scope: nullable.Value("investigation.read"),
	}
	created, err := grants.CreateOAuth2PermissionGrant(ctx, wanted, oauth2permissiongrant.DefaultCreateOAuth2PermissionGrantOperationOptions())
	if err != nil {
		return fmt.Errorf("a delegated grant: %w", err)
	}
	one := stable.NewOAuth2PermissionGrantID(*created.Model.Id)
	wanted.Scope = nullable.Value("investigation.read discovery.read")
	if _, err := grants.UpdateOAuth2PermissionGrant(ctx, one, wanted, oauth2permissiongrant.DefaultUpdateOAuth2PermissionGrantOperationOptions()); err != nil {
		return fmt.Errorf("changing the delegated grant: %w", err)
	}
	found, err := grants.GetOAuth2PermissionGrant(ctx, one, oauth2permissiongrant.DefaultGetOAuth2PermissionGrantOperationOptions())
	if err != nil || strings.TrimSpace(found.Model.Scope.GetOrZero()) != wanted.Scope.GetOrZero() {
		return fmt.Errorf("the changed grant: %+v, %v", found.Model, err)
	}
	_, err = grants.DeleteOAuth2PermissionGrant(ctx, one, oauth2permissiongrant.DefaultDeleteOAuth2PermissionGrantOperationOptions())
	return err
}

// everythingOf is a person as the provider writes one: what is not set is null.
func everythingOf(person stable.User) stable.User {
	none := nullable.NoZero("")
	person.AgeGroup, person.City, person.ConsentProvidedForMinor, person.CompanyName = none, none, none, none
	person.Country, person.Department, person.EmployeeId, person.EmployeeType = none, none, none, none
	person.EmployeeOrgData = &stable.EmployeeOrgData{CostCenter: none, Division: none}
	person.FaxNumber, person.GivenName, person.JobTitle, person.MobilePhone = none, none, none, none
	person.OfficeLocation, person.PasswordPolicies, person.PostalCode, person.PreferredLanguage = none, none, none, none
	person.OtherMails = &[]string{}
	person.State, person.StreetAddress, person.Surname, person.UsageLocation = none, none, none, none
	return person
}

// listed is a change that the provider makes through /beta after it has made a person.
func listed(ctx context.Context, t *terraform, id stable.UserId) error {
	beta, err := t.beta("user")
	if err != nil {
		return err
	}
	request, err := beta.NewRequest(ctx, client.RequestOptions{
		ContentType: "application/json; charset=utf-8", ExpectedStatusCodes: []int{http.StatusNoContent},
		HttpMethod: http.MethodPatch, Path: id.ID(),
	})
	if err != nil {
		return err
	}
	if err := request.Marshal(map[string]bool{"showInAddressList": true}); err != nil {
		return err
	}
	_, err = request.Execute(ctx)
	return err
}

// beta is the SDK's client of /beta without the SDK's models of it, which would double what is compiled.
func (t *terraform) beta(service string) (*msgraph.Client, error) {
	made, err := msgraph.NewClient(t.environment.MicrosoftGraph, service, msgraph.VersionBeta)
	return use(t, made, err, func(c *msgraph.Client) *msgraph.Client { return c })
}

func groupOfProvider(ctx context.Context, t *terraform) error {
	users, err := t.users()
	if err != nil {
		return err
	}
	made, err := group.NewGroupClientWithBaseURI(t.environment.MicrosoftGraph)
	groups, err := use(t, made, err, func(c *group.GroupClient) *msgraph.Client { return c.Client })
	if err != nil {
		return err
	}
	me, err := t.me(ctx)
	if err != nil {
		return err
	}
	_, domain, _ := strings.Cut(os.Getenv("CASBAH_USER"), "@")
	wanted := everythingOf(stable.User{
		AccountEnabled: nullable.Value(true), DisplayName: nullable.Value("Tess Terraform"), MailNickname: nullable.Value("tess"),
		UserPrincipalName: nullable.Value("tess@" + domain),
	})
	wanted.PasswordProfile = &stable.PasswordProfile{
		Password: nullable.Value("correct horse battery"), ForceChangePasswordNextSignIn: nullable.Value(false),
	}
	person, err := users.CreateUser(ctx, wanted, user.DefaultCreateUserOperationOptions())
	if err != nil {
		return fmt.Errorf("a user: %w", err)
	}
	userID := stable.NewUserID(*person.Model.Id)
	if err := listed(ctx, t, userID); err != nil {
		return err
	}
	wanted.Surname, wanted.AccountEnabled, wanted.PasswordProfile = nullable.Value("Terraform"), nullable.Value(false), nil
	if _, err := users.UpdateUser(ctx, userID, wanted, user.DefaultUpdateUserOperationOptions()); err != nil {
		return fmt.Errorf("changing the user: %w", err)
	}
	selected := []string{
		"accountEnabled", "ageGroup", "city", "companyName", "consentProvidedForMinor", "country", "department", "employeeHireDate",
		"employeeId", "employeeOrgData", "employeeType", "faxNumber", "mailNickname", "onPremisesImmutableId", "otherMails",
		"passwordPolicies", "postalCode", "state", "streetAddress", "surname", "usageLocation",
	}
	read, err := users.GetUser(ctx, userID, user.GetUserOperationOptions{Select: &selected})
	if err != nil || read.Model.Surname.GetOrZero() != "Terraform" || read.Model.AccountEnabled.GetOrZero() {
		return fmt.Errorf("the changed user: %+v, %v", read.Model, err)
	}
	created, err := groups.CreateGroup(ctx, stable.Group{
		Description: nullable.NoZero(""), DisplayName: nullable.Value("TERRAFORM_UPDATE_2"), GroupTypes: &[]string{},
		IsAssignableToRole: nullable.Value(false), MailEnabled: nullable.Value(false), MailNickname: nullable.Value("terraform"),
		MembershipRule: nullable.NoZero(""), SecurityEnabled: nullable.Value(true),
		Owners_ODataBind: &[]string{base + "/v1.0/directoryObjects/" + me},
	}, group.DefaultCreateGroupOperationOptions())
	if err != nil {
		return fmt.Errorf("a group: %w", err)
	}
	groupID := stable.NewGroupID(*created.Model.Id)
	name := stable.Group{DisplayName: nullable.Value("of terraform")}
	if _, err := groups.UpdateGroup(ctx, groupID, name, group.DefaultUpdateGroupOperationOptions()); err != nil {
		return fmt.Errorf("naming the group: %w", err)
	}
	named, err := groups.GetGroup(ctx, groupID, group.DefaultGetGroupOperationOptions())
	if err != nil || named.Model.DisplayName.GetOrZero() != "of terraform" {
		return fmt.Errorf("the named group: %+v, %v", named.Model, err)
	}
	members, err := member.NewMemberClientWithBaseURI(t.environment.MicrosoftGraph)
	members, err = use(t, members, err, func(c *member.MemberClient) *msgraph.Client { return c.Client })
	if err != nil {
		return err
	}
	reference := base + "/v1.0/directoryObjects/" + userID.UserId
	if _, err := members.AddMemberRef(ctx, groupID, stable.ReferenceCreate{ODataId: &reference}, member.DefaultAddMemberRefOperationOptions()); err != nil {
		return fmt.Errorf("a member: %w", err)
	}
	all, err := members.ListMembers(ctx, groupID, member.DefaultListMembersOperationOptions())
	if err != nil || len(*all.Model) != 1 {
		return fmt.Errorf("the members: %v, %v", all.Model, err)
	}
	if _, isOne := (*all.Model)[0].(stable.User); !isOne {
		return fmt.Errorf("the member is a %T", (*all.Model)[0])
	}
	one := stable.NewGroupIdMemberID(groupID.GroupId, userID.UserId)
	if _, err := members.RemoveMemberRef(ctx, one, member.DefaultRemoveMemberRefOperationOptions()); err != nil {
		return err
	}
	if _, err := groups.DeleteGroup(ctx, groupID, group.DefaultDeleteGroupOperationOptions()); err != nil {
		return err
	}
	if _, err := users.DeleteUser(ctx, userID, user.DefaultDeleteUserOperationOptions()); err != nil {
		return err
	}
	after, err := users.GetUser(ctx, userID, user.DefaultGetUserOperationOptions())
	return gone(after.HttpResponse, err)
}
