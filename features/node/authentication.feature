Feature: Who the runtime node takes a caller for

  @needs-access-log @needs-good-sender
  @AUT-1 @LOG-2
  Scenario: A mapped certificate stands for its user
    Given a sender "warehouse" that is let in
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"
    And the access log shows the user "WAREHOUSE"

  @needs-access-log @needs-good-sender @needs-mint-trusted @needs-stations
  @AUT-2
  Scenario: A renewed certificate with the same names is another certificate
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a renewed certificate
    Then the load balancer accepts the certificate
    And the call is refused at the channel authorization because of "not-mapped"
    And the response status is 403
    And the access log shows the user "warehouse.example@Example Issuing CA"

  @needs-access-log @needs-good-sender @needs-mint-trusted @needs-stations
  @AUT-2
  Scenario Outline: A renewed certificate <with> is another certificate too
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a renewed certificate <with>
    Then the load balancer accepts the certificate
    And the call is refused at the channel authorization because of "not-mapped"
    And the access log shows the user "warehouse.example@Example Issuing CA"

    Examples:
      | with                      |
      | for the same key          |
      | of the same serial number |

  @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @AUT-2
  Scenario: A mapping of the renewed certificate does not help the old one
    Given a sender "warehouse" that is let in
    And a renewed certificate of "warehouse" is mapped to the user "WAREHOUSE"
    And the certificate of "warehouse" is no longer mapped
    When "warehouse" calls
    Then the call is refused at the channel authorization because of "not-mapped"

  @needs-access-log @needs-good-sender @needs-mappings @needs-mint-trusted
  @AUT-2
  Scenario: During a renewal both certificates may be mapped
    Given a sender "warehouse" that is let in
    And a renewed certificate of "warehouse" is mapped to the user "WAREHOUSE"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @AUT-2
  Scenario: A renewal as it is recommended: the new beside the old, the sender switched, the old removed
    Given a sender "warehouse" that is let in
    When "warehouse" now uses a renewed certificate
    And "warehouse" calls
    Then the call is refused at the channel authorization because of "not-mapped"
    When the certificate of "warehouse" is mapped to the user "WAREHOUSE"
    And the former certificate of "warehouse" is no longer mapped
    And "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-good-sender @needs-mint-trusted @needs-stations
  @AUT-3 @LOG-2
  Scenario: An accepted certificate without a mapping stands for the names of sender and issuer
    Given a sender "warehouse" that is let in
    And a sender "shop"
    When "shop" calls
    Then the call is refused at the channel authorization because of "not-mapped"
    And the access log shows the user "shop.example@Example Issuing CA"

  @needs-access-log @needs-channels @needs-mint-trusted
  @AUT-3 @LOG-2
  Scenario: Names with blanks stand in the log as they are
    Given a sender "shop" with the subject "CN=shop of the north, O=Example, C=DE"
    And a channel "/http/shop" whose table holds the certificate of "shop"
    When "shop" calls "/http/shop"
    Then the call is let in as "shop of the north@Example Issuing CA"
    And the access log shows the user "shop of the north@Example Issuing CA"

  @needs-access-log @needs-good-sender @needs-mappings @needs-mint-trusted
  @AUT-4
  Scenario: Two certificates map to one user
    Given a sender "warehouse" that is let in
    And a sender "shop"
    And the certificate of "shop" is mapped to the user "WAREHOUSE"
    When "shop" calls
    Then the call is let in as "WAREHOUSE"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-good-sender @needs-mappings @needs-roles
  @AUT-4
  Scenario: Mapping a certificate again only changes its user
    Given a sender "warehouse" that is let in
    And the certificate of "warehouse" is mapped to the user "DEPOT"
    And the user "DEPOT" has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the call is let in as "DEPOT"

  @needs-landscape
  @AUT-4
  Scenario: A landscape that maps one certificate twice is refused
    Given a landscape:
      """
      pki:
        - {name: root, ca: true}
        - {name: warehouse, issuer: root}
      mappings:
        - {certificate: warehouse, user: A}
        - {certificate: warehouse, user: B}
      """
    Then the landscape is refused with "mappings[1].certificate"

  @needs-access-log @needs-mappings @needs-mint-trusted @needs-roles
  @AUT-5
  Scenario: The mapped user is unknown to the identity provider
    Given a sender "warehouse"
    And the certificate of "warehouse" is mapped to the user "NOBODY_THERE"
    And the user "NOBODY_THERE" has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the call is let in as "NOBODY_THERE"

  @needs-access-log @needs-roles @needs-users
  @AUT-6
  Scenario: User and password of the identity provider
    Given a sender "stranger" without a certificate
    And the identity provider has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    When "stranger" calls as "erika" with the password "opensesame"
    Then the call is let in as "erika"
    And the access log shows the user "erika"

  @needs-access-log @needs-roles @needs-stations @needs-users
  @AUT-6
  Scenario Outline: <what> is refused
    Given a sender "stranger" without a certificate
    And the identity provider has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    When "stranger" calls as "<user>" with the password "<password>"
    Then the call is refused at the runtime node because of "<reason>"
    And the response status is 401
    And the access log shows the user "-"
    When "stranger" calls as "erika" with the password "opensesame"
    Then the call is let in as "erika"

    Examples:
      | what             | user  | password   | reason         |
      | A wrong password | erika | sesame     | password-wrong |
      | No password      | erika |            | password-wrong |
      | An unknown user  | max   | opensesame | user-unknown   |

  @needs-access-log @needs-good-sender @needs-stations
  @AUT-7
  Scenario: A user of a mapping has no password
    Given a sender "warehouse" that is let in
    And a sender "stranger" without a certificate
    When "stranger" calls as "WAREHOUSE" with the password "opensesame"
    Then the call is refused at the runtime node because of "user-only-in-mapping"
    And the response status is 401
    And the access log shows the user "-"

  @needs-access-log @needs-credentials @needs-roles @needs-stations @needs-users
  @AUT-8
  Scenario: A deployed User Credentials artifact is no logon
    Given a sender "stranger" without a certificate
    And a deployed User Credentials artifact has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    When "stranger" calls as "erika" with the password "opensesame"
    Then the call is refused at the runtime node because of "user-only-in-credentials"
    And the response status is 401
    Given the identity provider has the user "erika" with the password "opensesame"
    When "stranger" calls as "erika" with the password "opensesame"
    Then the call is let in as "erika"

  @needs-access-log @needs-oauth-clients @needs-roles
  @AUT-9 @LOG-2
  Scenario: A bearer token stands for its client
    Given a sender "stranger" without a certificate
    And an OAuth client "d2c1"
    And the user "oauth_client_d2c1" has the role "ESBMessaging.send"
    When "stranger" calls with a token of the OAuth client "d2c1"
    Then the call is let in as "oauth_client_d2c1"
    And the access log shows the user "oauth_client_d2c1"

  @needs-access-log @needs-oauth-clients @needs-roles @needs-stations
  @AUT-9
  Scenario: A token that nobody issued is refused
    Given a sender "stranger" without a certificate
    And an OAuth client "d2c1"
    And the user "oauth_client_d2c1" has the role "ESBMessaging.send"
    When "stranger" calls with the token "nonsense"
    Then the call is refused at the runtime node because of "token-not-valid"
    And the response status is 401
    When "stranger" calls with a token of the OAuth client "d2c1"
    Then the call is let in as "oauth_client_d2c1"

  @needs-access-log @needs-stations
  @AUT-10 @LOG-3
  Scenario: Without identity the answer is 401 with an empty chunked body
    Given a sender "stranger" without a certificate
    When "stranger" calls
    Then the response status is 401
    And the response body is empty
    And the call is refused at the runtime node because of "no-identity"
    And the access log shows 5 bytes
    And the access log shows the user "-"

  @AUT-11
  Scenario: A 401 asks for user and password
    Given a sender "stranger" without a certificate
    When "stranger" calls
    Then the response status is 401
    And the response header "WWW-Authenticate" contains "Basic"

  @needs-good-sender @needs-stations
  @AUT-12
  Scenario: An unauthenticated call to an unknown path gets 401
    Given a sender "warehouse" that is let in
    And a sender "stranger" without a certificate
    When "stranger" calls "/http/nothing-here"
    Then the response status is 401
    And the call is refused at the runtime node because of "no-identity"
    When "warehouse" calls "/http/nothing-here"
    Then the response status is 404

  @needs-good-sender @needs-keystore @needs-mint-trusted @needs-stations
  @AUT-13
  Scenario: The tenant keystore does not help
    Given a sender "warehouse" that is let in
    And a sender "shop"
    And the certificate of "shop" is in the tenant keystore
    When "shop" calls
    Then the call is refused at the channel authorization because of "not-mapped"
    And the response status is 403

  @needs-access-log @needs-good-sender @needs-roles @needs-users
  @AUT-14
  Scenario: A certificate goes before user and password
    Given a sender "warehouse" that is let in
    And the identity provider has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    When "warehouse" calls as "erika" with the password "opensesame"
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-good-sender @needs-mappings @needs-mint-trusted @needs-roles @needs-trace @needs-users
  @AUT-14
  Scenario: Beside a refused certificate user and password count
    Given a sender "warehouse" that is let in
    And the identity provider has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    When "warehouse" calls with a certificate that has the defect "expired" and as "erika" with the password "opensesame"
    Then the call is let in as "erika"
    And the trace shows "OpenSSL verify result code: 10"

  @needs-access-log @needs-good-sender @needs-landscape @needs-mappings @needs-mint-trusted @needs-stations
  @AUT-15
  Scenario: A full mapping store takes no further certificate, and those in it stay
    Given a sender "warehouse" that is let in
    And a sender "shop"
    And the certificate-to-user mapping is full
    Then mapping the certificate of "shop" to the user "SHOP" is refused with "mapping store"
    When "shop" calls
    Then the call is refused at the channel authorization because of "not-mapped"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"
