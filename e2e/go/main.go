// golang.org/x/oauth2, as published. It reads no metadata and has neither introspection nor revocation.
//
// Environment: E2E_AUTHORIZE, E2E_TOKEN, E2E_IDENTITY, E2E_CLIENT_ID, E2E_CLIENT_SECRET, E2E_REDIRECT_URI, E2E_SCOPE,
// E2E_PKCE (`S256`, or empty: without).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

var (
	ctx    = context.Background()
	person = bufio.NewReader(os.Stdin)
)

func main() {
	styles := []struct {
		name  string
		style oauth2.AuthStyle
	}{
		{"header", oauth2.AuthStyleInHeader},
		{"params", oauth2.AuthStyleInParams},
		{"auto", oauth2.AuthStyleAutoDetect},
	}
	for _, way := range styles {
		config := configured(way.style)
		report("code, "+way.name, func() (string, error) {
			token, err := connected(config)
			return shown(config, token, err)
		})
		report("refresh, "+way.name, func() (string, error) {
			token, err := connected(config)
			if err != nil {
				return "", err
			}
			token, err = refreshed(config, token)
			return shown(config, token, err)
		})
		report("client credentials, "+way.name, func() (string, error) { return clientCredentials(way.style) })
		report("wrong secret, "+way.name, func() (string, error) {
			wrong := configured(way.style)
			wrong.ClientSecret = "not the secret"
			_, err := connected(wrong)
			return "", err
		})
	}
	report("code twice", codeTwice)
	report("access ended", accessEnded)
}

func configured(style oauth2.AuthStyle) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     given("CLIENT_ID"),
		ClientSecret: given("CLIENT_SECRET"),
		RedirectURL:  given("REDIRECT_URI"),
		Scopes:       strings.Fields(given("SCOPE")),
		Endpoint:     oauth2.Endpoint{AuthURL: given("AUTHORIZE"), TokenURL: given("TOKEN"), AuthStyle: style},
	}
}

func connected(config *oauth2.Config) (*oauth2.Token, error) {
	return started(config)()
}

// started returns what redeems the code that the person brought.
func started(config *oauth2.Config) func() (*oauth2.Token, error) {
	var challenge, proof []oauth2.AuthCodeOption
	if given("PKCE") != "" {
		verifier := oauth2.GenerateVerifier()
		challenge = append(challenge, oauth2.S256ChallengeOption(verifier))
		proof = append(proof, oauth2.VerifierOption(verifier))
	}
	redirected, err := url.Parse(asked("visit " + config.AuthCodeURL("a state", challenge...)))
	must(err == nil && redirected.Query().Get("state") == "a state", "the state came back")
	code := redirected.Query().Get("code")
	return func() (*oauth2.Token, error) { return config.Exchange(ctx, code, proof...) }
}

// refreshed lets the client refresh as it does by itself once the access token has expired.
func refreshed(config *oauth2.Config, before *oauth2.Token) (*oauth2.Token, error) {
	expired := *before
	expired.Expiry = time.Now().Add(-time.Hour)
	after, err := config.TokenSource(ctx, &expired).Token()
	if err == nil {
		must(after.AccessToken != before.AccessToken, "another access token")
		must(after.RefreshToken != before.RefreshToken, "another refresh token")
	}
	return after, err
}

func shown(config *oauth2.Config, token *oauth2.Token, err error) (string, error) {
	if err != nil {
		return "", err
	}
	minutes := time.Until(token.Expiry).Round(time.Minute).Minutes()
	scope, _ := json.Marshal(token.Extra("scope"))
	facts := fmt.Sprintf("%s, %d s, expires in %.0f min, %s", token.TokenType, token.ExpiresIn, minutes, scope)
	said := identity(config, token)
	if token.Type() == "Bearer" {
		return facts + ", " + said, nil
	}
	// The client repeats the answer's token_type in the Authorization header.
	bearer := *token
	bearer.TokenType = "Bearer"
	return fmt.Sprintf("%s, as %s %s, as Bearer %s", facts, token.Type(), said, identity(config, &bearer)), nil
}

func identity(config *oauth2.Config, token *oauth2.Token) string {
	answer, err := config.Client(ctx, token).Get(given("IDENTITY"))
	must(err == nil, "the identity endpoint answers")
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		return answer.Status
	}
	var person struct{ Email string }
	must(json.NewDecoder(answer.Body).Decode(&person) == nil, "it answers with JSON")
	return person.Email
}

func clientCredentials(style oauth2.AuthStyle) (string, error) {
	config := clientcredentials.Config{
		ClientID:     given("CLIENT_ID"),
		ClientSecret: given("CLIENT_SECRET"),
		TokenURL:     given("TOKEN"),
		Scopes:       strings.Fields(given("SCOPE")),
		AuthStyle:    style,
	}
	token, err := config.Token(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %q, refresh token %q", token.TokenType, token.Extra("scope"), token.RefreshToken), nil
}

func codeTwice() (string, error) {
	redeem := started(configured(oauth2.AuthStyleInHeader))
	_, err := redeem()
	must(err == nil, "the first time it is good")
	_, err = redeem()
	return "", err
}

func accessEnded() (string, error) {
	config := configured(oauth2.AuthStyleInHeader)
	token, err := connected(config)
	must(err == nil, "the app is connected")
	asked("end access")
	_, err = refreshed(config, token)
	return "", err
}

// report says what came of a step, in the client's own words where it fails.
func report(step string, take func() (string, error)) {
	said, err := take()
	if err == nil {
		fmt.Printf("%s: %s\n", step, said)
		return
	}
	words := strings.ReplaceAll(err.Error(), "\n", " ")
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) {
		words = fmt.Sprintf("RetrieveError %d %q: %s", refused.Response.StatusCode, refused.ErrorCode, words)
	}
	fmt.Printf("%s: %s\n", step, words)
}

// asked asks the test, which plays the person: `visit URL` is answered with the redirect, `end access` with `ended`.
func asked(request string) string {
	fmt.Println(request)
	answer, err := person.ReadString('\n')
	must(err == nil, "the person answers")
	return strings.TrimSpace(answer)
}

func given(name string) string {
	value, set := os.LookupEnv("E2E_" + name)
	must(set, "E2E_"+name+" is set")
	return value
}

func must(holds bool, what string) {
	if !holds {
		panic("not so: " + what)
	}
}
