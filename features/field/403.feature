Feature: Field cases: 403
  What people see is "403 Forbidden", and somebody's name in the access log.

  @needs-access-log @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @FLD-5
  Scenario: 403 although a certificate is mapped: it is another than the one sent
    Given a sender "warehouse" that is let in
    And a sender "shop"
    And a renewed certificate of "shop" is mapped to the user "WAREHOUSE"
    When "shop" calls
    Then the response status is 403
    And the call is refused at the channel authorization because of "not-mapped"
    And the access log shows the user "shop.example@Example Issuing CA"

  @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @FLD-5
  Scenario: 403 although a certificate is mapped: it is the CA's
    Given a sender "warehouse" that is let in
    And a sender "shop"
    And the certificate of the CA is mapped to the user "WAREHOUSE"
    When "shop" calls
    Then the response status is 403
    And the call is refused at the channel authorization because of "not-mapped"

  @needs-access-log @needs-mappings @needs-mint-trusted @needs-roles @needs-stations
  @FLD-6
  Scenario: 403 although the user is an administrator
    Given a sender "shop"
    And the certificate of "shop" is mapped to the user "SHOP"
    And the user "SHOP" has the role "AuthGroup.Administrator"
    When "shop" calls
    Then the response status is 403
    And the call is refused at the channel authorization because of "role-missing"
    Given the user "SHOP" has the role "ESBMessaging.send"
    When "shop" calls
    Then the call is let in as "SHOP"

  @needs-access-log @needs-mappings @needs-mint-trusted @needs-roles @needs-stations
  @FLD-6
  Scenario: 403 although the user has the role: on the application provision
    Given a sender "shop"
    And the certificate of "shop" is mapped to the user "SHOP"
    And the user "SHOP" has the role "ESBMessaging.send" on the application "provision"
    When "shop" calls
    Then the response status is 403
    And the call is refused at the channel authorization because of "role-missing"
    Given the user "SHOP" has the role "ESBMessaging.send"
    When "shop" calls
    Then the call is let in as "SHOP"

  @needs-channels @needs-mint-trusted @needs-stations
  @FLD-7
  Scenario: 403 although a certificate was uploaded to the channel: it was the CA's
    Given a sender "shop"
    And a channel "/http/shop" whose table holds the certificate of the CA
    When "shop" calls "/http/shop"
    Then the response status is 403
    And the call is refused at the channel authorization because of "dns-not-in-table"

  @needs-channels @needs-mint-trusted @needs-stations
  @FLD-7
  Scenario: 403 since the renewal: the new certificate has another subject
    Given a sender "shop" with the subject "CN=shop.example, OU=North, O=Example, C=DE"
    And a channel "/http/shop" whose table holds the subject "CN=shop.example, O=Example, C=DE" of the issuer "CN=Example Issuing CA, O=Example, C=DE"
    When "shop" calls "/http/shop"
    Then the response status is 403
    And the call is refused at the channel authorization because of "dns-not-in-table"

  @needs-channels @needs-good-sender @needs-nodes @needs-stations
  @FLD-14
  Scenario: 403 now and then with two nodes: the sender encodes the cookie
    Given a tenant with 2 runtime nodes
    And a channel "/http/safe" that is CSRF-protected
    And a sender "warehouse" that is let in
    And "warehouse" fetches a CSRF token
    And "warehouse" URL-encodes its cookies
    When "warehouse" calls "/http/safe"
    Then the response status is 403
    And the call is refused at the channel authorization because of "csrf-token-missing"

  @needs-access-log @needs-channels @needs-good-sender
  @FLD-14
  Scenario: With one node nobody notices
    Given a channel "/http/safe" that is CSRF-protected
    And a sender "warehouse" that is let in
    And "warehouse" fetches a CSRF token
    And "warehouse" URL-encodes its cookies
    When "warehouse" calls "/http/safe"
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-keystore @needs-mappings @needs-mint-trusted @needs-roles @needs-stations
  @FLD-16
  Scenario: The certificate was put into the tenant keystore and nothing changed
    Given a sender "shop"
    And the certificate of "shop" is in the tenant keystore
    When "shop" calls
    Then the response status is 403
    And the call is refused at the channel authorization because of "not-mapped"
    Given the certificate of "shop" is mapped to the user "SHOP"
    And the user "SHOP" has the role "ESBMessaging.send"
    When "shop" calls
    Then the call is let in as "SHOP"

  @needs-access-log @needs-channels @needs-good-sender @needs-roles @needs-stations
  @FLD-17
  Scenario: An old adapter version has no role entry: the default role is needed
    Given a sender "warehouse" that is let in
    And a channel "/http/old" of an old adapter version
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    And the user "WAREHOUSE" has the role "Returns.send"
    When "warehouse" calls "/http/old"
    Then the response status is 403
    And the call is refused at the channel authorization because of "role-missing"
    Given the user "WAREHOUSE" has the role "ESBMessaging.send"
    When "warehouse" calls "/http/old"
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-oauth-clients @needs-roles @needs-stations
  @FLD-18
  Scenario: The client of a service key of the other environment is unknown here
    Given a sender "stranger" without a certificate
    And an OAuth client "d2c1"
    And the user "oauth_client_d2c1" has the role "ESBMessaging.send"
    When "stranger" calls as "sb-0f0f-clone!b1" with the password "service-key-secret"
    Then the response status is 401
    And the call is refused at the runtime node because of "user-unknown"
    When "stranger" calls with a token of the OAuth client "d2c1"
    Then the call is let in as "oauth_client_d2c1"
