Feature: Field cases: 401
  What people see is "401 Unauthorized" and a line with user - in the access log.

  @needs-access-log @needs-good-sender @needs-stations
  @FLD-1
  Scenario: 401 although the certificate is mapped: the chain was not sent
    Given a sender "warehouse" that is let in
    When "warehouse" calls without its intermediate certificates
    Then the response status is 401
    And the call is refused at the load balancer with verify result 20
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @FLD-2
  Scenario: 401 with a certificate that one signed oneself
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate that has the defect "self-signed"
    Then the response status is 401
    And the call is refused at the load balancer with verify result 18

  @needs-good-sender @needs-mappings @needs-stations
  @FLD-2
  Scenario: 401 with a certificate of an internal CA, its root sent along
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate of an unknown CA with its root certificate too
    Then the response status is 401
    And the call is refused at the load balancer with verify result 19

  @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @FLD-3
  Scenario: 401 since the renewal: the new certificate is for servers only
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate that has the defect "server-only"
    Then the response status is 401
    And the call is refused at the load balancer with verify result 26

  @needs-clock @needs-custom-trust @needs-good-sender @needs-stations
  @FLD-4
  Scenario: 401 since a day in September 2022: the CA left the list
    Given it is "2022-09-08T12:00:00Z"
    And a sender "warehouse" that is let in
    When 1 day passes
    And the load balancer does not trust the CA of the senders
    And "warehouse" calls
    Then the response status is 401
    And the call is refused at the load balancer with verify result 20

  @needs-good-sender @needs-stations
  @FLD-8
  Scenario: 401 with the user of the mapping and a password
    Given a sender "warehouse" that is let in
    And a sender "stranger" without a certificate
    When "stranger" calls as "WAREHOUSE" with the password "opensesame"
    Then the response status is 401
    And the call is refused at the runtime node because of "user-only-in-mapping"

  @needs-credentials @needs-stations
  @FLD-8
  Scenario: 401 with a deployed credential
    Given a sender "stranger" without a certificate
    And a deployed User Credentials artifact has the user "CALLER" with the password "opensesame"
    When "stranger" calls as "CALLER" with the password "opensesame"
    Then the response status is 401
    And the call is refused at the runtime node because of "user-only-in-credentials"

  @needs-good-sender @needs-stations @needs-trace
  @FLD-9
  Scenario: 401 with only the public part of the key pair in the sender
    Given a sender "warehouse" that is let in
    When "warehouse" calls with only the public part of its key pair
    Then the response status is 401
    And the call is refused at the runtime node because of "no-identity"
    And the trace shows nothing

  @needs-access-log @needs-good-sender @needs-roles @needs-stations @needs-users
  @FLD-15
  Scenario: 401 now and then: one system sends user and password, and then its certificate, in one session
    Given a sender "warehouse" that is let in
    And the identity provider has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    And "warehouse" resumes its TLS session
    And "warehouse" leaves out its certificate for now
    And "warehouse" logs on as "erika" with the password "opensesame"
    When "warehouse" calls
    Then the call is let in as "erika"
    Given "warehouse" has its certificate again
    And "warehouse" no longer logs on with a password
    When "warehouse" calls
    Then the TLS session is resumed
    And the response status is 401
    And the call is refused at the runtime node because of "no-identity"

  @needs-good-sender @needs-stations
  @FLD-15
  Scenario: 401 now and then: a resumed session began without the certificate
    Given a sender "warehouse" that is let in
    And "warehouse" resumes its TLS session
    And "warehouse" leaves out its certificate for now
    When "warehouse" calls
    Then the call is refused at the runtime node because of "no-identity"
    Given "warehouse" has its certificate again
    When "warehouse" calls
    Then the TLS session is resumed
    And the response status is 401
    And the call is refused at the runtime node because of "no-identity"
