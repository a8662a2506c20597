Feature: Authorization of the sender channel

  @needs-access-log @needs-good-sender @needs-roles @needs-stations
  @CHN-1
  Scenario: The default role is ESBMessaging.send
    Given a sender "warehouse" that is let in
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the call is refused at the channel authorization because of "role-missing"
    Given the user "WAREHOUSE" has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-good-sender @needs-roles @needs-stations @needs-trace
  @CHN-2 @TRC-4
  Scenario: Without the role the call gets 403
    Given a sender "warehouse" that is let in
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the response status is 403
    And the response body contains "HTTP Status 403"
    And the message is not processed
    And the access log shows the user "WAREHOUSE"
    And the trace shows "ESBMessaging.send"
    And the trace shows "WAREHOUSE"

  @needs-access-log @needs-roles @needs-stations @needs-users
  @CHN-2
  Scenario: A user of the identity provider needs the role too
    Given a sender "stranger" without a certificate
    And the identity provider has the user "erika" with the password "opensesame"
    When "stranger" calls as "erika" with the password "opensesame"
    Then the call is refused at the channel authorization because of "role-missing"
    And the response status is 403
    And the access log shows the user "erika"
    Given the user "erika" has the role "ESBMessaging.send"
    When "stranger" calls as "erika" with the password "opensesame"
    Then the call is let in as "erika"

  @needs-good-sender @needs-roles @needs-stations
  @CHN-3
  Scenario Outline: A role on the application <application> has no effect
    Given a sender "warehouse" that is let in
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    And the user "WAREHOUSE" has the role "ESBMessaging.send" on the application "<application>"
    When "warehouse" calls
    Then the call is refused at the channel authorization because of "role-missing"
    And the response status is 403

    Examples:
      | application   |
      | provision     |
      | e100999tmn    |
      | e100999hcioem |

  @needs-access-log @needs-good-sender @needs-roles
  @CHN-3
  Scenario: A role on the application of the worker node counts
    Given a sender "warehouse" that is let in
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    And the user "WAREHOUSE" has the role "ESBMessaging.send" on the application "e100999iflmap"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-good-sender @needs-roles @needs-stations
  @CHN-4
  Scenario Outline: <group> does not include sending
    Given a sender "warehouse" that is let in
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    And the user "WAREHOUSE" has the role "<group>"
    When "warehouse" calls
    Then the call is refused at the channel authorization because of "role-missing"
    And the response status is 403

    Examples:
      | group                          |
      | AuthGroup.Administrator        |
      | AuthGroup.IntegrationDeveloper |

  @needs-access-log @needs-good-sender @needs-roles
  @CHN-5
  Scenario: A role may come through a group
    Given a sender "warehouse" that is let in
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    And the group "Senders" with the user "WAREHOUSE" has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-good-sender @needs-roles @needs-stations
  @CHN-5
  Scenario: A group without the user does not help
    Given a sender "warehouse" that is let in
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    And the group "Senders" with the user "SHOP" has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the call is refused at the channel authorization because of "role-missing"

  @needs-access-log @needs-good-sender @needs-mappings @needs-stations
  @CHN-6
  Scenario: An accepted certificate without a mapping has no role
    Given a sender "warehouse" that is let in
    And the certificate of "warehouse" is no longer mapped
    When "warehouse" calls
    Then the load balancer accepts the certificate
    And the call is refused at the channel authorization because of "not-mapped"
    And the response status is 403
    And the access log shows the user "warehouse.example@Example Issuing CA"

  @needs-access-log @needs-channels @needs-good-sender @needs-roles @needs-stations
  @CHN-14
  Scenario: A channel may demand another role
    Given a channel "/http/returns" that demands the role "Returns.send"
    And a sender "warehouse" that is let in
    When "warehouse" calls "/http/returns"
    Then the call is refused at the channel authorization because of "role-missing"
    Given the user "WAREHOUSE" has the role "Returns.send"
    When "warehouse" calls "/http/returns"
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-good-sender @needs-landscape @needs-roles @needs-stations
  @CHN-15
  Scenario: In another profile the application is that of the profile
    Given a tenant of the profile "hcioem"
    And a sender "warehouse" that is let in
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    And the user "WAREHOUSE" has the role "ESBMessaging.send" on the application "e100999iflmap"
    When "warehouse" calls
    Then the call is refused at the channel authorization because of "role-missing"
    Given the user "WAREHOUSE" has the role "ESBMessaging.send" on the application "e100999hcioem"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-clock @needs-good-sender @needs-landscape @needs-roles @needs-stations
  @CHN-16
  Scenario: A user who calls often keeps its roles for 5 minutes
    Given a tenant that caches roles
    And a sender "warehouse" that is let in
    When "warehouse" calls 21 times
    Then all 21 calls are let in
    Given the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"
    When 6 minutes pass
    And "warehouse" calls
    Then the call is refused at the channel authorization because of "role-missing"

  @needs-good-sender @needs-landscape @needs-roles @needs-stations
  @CHN-16
  Scenario: A user who calls seldom does not
    Given a tenant that caches roles
    And a sender "warehouse" that is let in
    When "warehouse" calls 10 times
    And the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    And "warehouse" calls
    Then the call is refused at the channel authorization because of "role-missing"

  @needs-access-log @needs-channels @needs-good-sender @needs-roles @needs-stations
  @CHN-11
  Scenario: An old adapter version demands the default role
    Given a sender "warehouse" that is let in
    And a channel "/http/old" of an old adapter version
    When "warehouse" calls "/http/old"
    Then the call is let in as "WAREHOUSE"
    Given the user "WAREHOUSE" no longer has the role "ESBMessaging.send"
    When "warehouse" calls "/http/old"
    Then the call is refused at the channel authorization because of "role-missing"

  @needs-landscape
  @CHN-11
  Scenario: An old adapter version offers no role entry
    Given a landscape:
      """
      channels:
        - {address: /http/old, oldAdapter: true, authorization: {userRole: Returns.send}}
      """
    Then the landscape is refused with "channels[0]"
