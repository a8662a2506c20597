Feature: Client Certificate authorization
  The channel holds a table of subject and issuer DNs. Only these are compared.

  @needs-access-log @needs-channels @needs-mint-trusted
  @CHN-7
  Scenario: A sender whose DNs are in the table gets in, mapped or not
    Given a sender "shop"
    And a channel "/http/shop" whose table holds the certificate of "shop"
    When "shop" calls "/http/shop"
    Then the call is let in as "shop.example@Example Issuing CA"

  @needs-access-log @needs-channels @needs-mint-trusted
  @CHN-7
  Scenario: A renewed certificate with the same DNs still passes
    Given a sender "shop"
    And a channel "/http/shop" whose table holds the certificate of "shop"
    When "shop" calls "/http/shop" with a renewed certificate
    Then the call is let in as "shop.example@Example Issuing CA"

  @needs-access-log @needs-channels @needs-good-sender @needs-roles
  @CHN-7
  Scenario: No role is asked for
    Given a sender "warehouse" that is let in
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    And a channel "/http/shop" whose table holds the certificate of "warehouse"
    When "warehouse" calls "/http/shop"
    Then the call is let in as "WAREHOUSE"

  @needs-channels @needs-mint-trusted @needs-stations
  @CHN-7
  Scenario: The table is not asked about a certificate that the load balancer refused
    Given a sender "shop"
    And a channel "/http/shop" whose table holds the certificate of "shop"
    When "shop" calls "/http/shop" without its intermediate certificates
    Then the call is refused at the load balancer with verify result 20
    And the response status is 401

  @needs-access-log @needs-channels @needs-mint-trusted @needs-roles @needs-stations @needs-users
  @CHN-7
  Scenario: User and password do not replace the certificate
    Given a sender "shop"
    And a channel "/http/shop" whose table holds the certificate of "shop"
    And the identity provider has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    When "shop" calls "/http/shop" without a certificate and as "erika" with the password "opensesame"
    Then the call is refused at the channel authorization because of "no-certificate-for-table"
    And the response status is 403
    When "shop" calls "/http/shop"
    Then the call is let in as "shop.example@Example Issuing CA"

  @needs-access-log @needs-channels @needs-mint-trusted @needs-stations
  @CHN-7
  Scenario Outline: A row with another <part> does not match
    Given a sender "shop" with the subject "CN=shop.example, O=Example, C=DE"
    And a channel "/http/good" whose table holds the subject "CN=shop.example, O=Example, C=DE" of the issuer "CN=Example Issuing CA, O=Example, C=DE"
    And a channel "/http/shop" whose table holds the subject "<subject>" of the issuer "<issuer>"
    When "shop" calls "/http/good"
    Then the call is let in as "shop.example@Example Issuing CA"
    When "shop" calls "/http/shop"
    Then the call is refused at the channel authorization because of "dns-not-in-table"

    Examples:
      | part            | subject                            | issuer                                |
      | common name     | CN=shop2.example, O=Example, C=DE  | CN=Example Issuing CA, O=Example, C=DE |
      | organisation    | CN=shop.example, O=Example 2, C=DE | CN=Example Issuing CA, O=Example, C=DE |
      | issuer          | CN=shop.example, O=Example, C=DE   | CN=Example Root CA, O=Example, C=DE   |
      | letter case     | CN=SHOP.example, O=Example, C=DE   | CN=Example Issuing CA, O=Example, C=DE |
      | set of elements | CN=shop.example, C=DE              | CN=Example Issuing CA, O=Example, C=DE |

  @needs-access-log @needs-channels @needs-good-sender @needs-mint-trusted @needs-stations @needs-trace
  @CHN-8
  Scenario: DNs that are not in the table get 403 and one trace record
    Given a sender "warehouse" that is let in
    And a sender "shop"
    And a channel "/http/shop" whose table holds the certificate of "warehouse"
    When "shop" calls "/http/shop"
    Then the call is refused at the channel authorization because of "dns-not-in-table"
    And the response status is 403
    And the trace has 1 record of the call
    And the trace shows "Unauthorized. Subject and issuer (subject: cn=shop.example,"
    And the trace shows "of the provided certificate is not contained in the accepted subjectAndIssuers list of the integration flow."
    When "warehouse" calls "/http/shop"
    Then the call is let in as "WAREHOUSE"

  @needs-channels @needs-mint-trusted @needs-stations
  @CHN-8
  Scenario: Nobody passes an empty table
    Given a sender "shop"
    And a channel "/http/shop" whose table is empty
    When "shop" calls "/http/shop"
    Then the call is refused at the channel authorization because of "dns-not-in-table"

  @needs-channels @needs-mint-trusted @needs-stations
  @CHN-9
  Scenario: The CA's certificate in the table does not let its senders in
    Given a sender "shop"
    And a channel "/http/shop" whose table holds the certificate of the CA
    When "shop" calls "/http/shop"
    Then the call is refused at the channel authorization because of "dns-not-in-table"
    And the response status is 403

  @needs-access-log @needs-channels @needs-clock @needs-good-sender @needs-mint-trusted @needs-stations
  @CHN-10
  Scenario: A changed table takes effect with the next deployment
    Given a sender "warehouse" that is let in
    And a sender "shop"
    And a channel "/http/shop" whose table holds the certificate of "warehouse"
    When the table of "/http/shop" is changed to hold the certificate of "shop"
    And "shop" calls "/http/shop"
    Then the call is refused at the channel authorization because of "dns-not-in-table"
    When the flow of "/http/shop" is deployed with a downtime of 20 seconds
    And "shop" calls "/http/shop"
    Then the call is refused at the endpoint because of "flow-restarting"
    When 21 seconds pass
    And "shop" calls "/http/shop"
    Then the call is let in as "shop.example@Example Issuing CA"
    When "warehouse" calls "/http/shop"
    Then the call is refused at the channel authorization because of "dns-not-in-table"
