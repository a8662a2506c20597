Feature: The trace

  @needs-good-sender @needs-mappings @needs-mint-trusted @needs-trace
  @TRC-1
  Scenario Outline: A certificate that is not accepted leaves two records: <defect>
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate that has the defect "<defect>"
    Then the trace has 2 records of the call
    And the trace shows "client certificate received at load balancer: "
    And the trace shows "client certificate status from load balancer: Invalid Certificate Presented, OpenSSL verify result code: <result>"

    Examples:
      | defect        | result |
      | self-signed   | 18     |
      | expired       | 10     |
      | server-only   | 26     |
      | not-yet-valid | 9      |

  @needs-good-sender @needs-trace
  @TRC-2
  Scenario: The two records belong together
    Given a sender "warehouse" that is let in
    When "warehouse" calls without its intermediate certificates
    Then both trace records have the same thread and second

  @needs-good-sender @needs-trace
  @TRC-3
  Scenario: Without errors there is no trace file
    Given a sender "warehouse" that is let in
    When "warehouse" calls
    Then the trace shows nothing
    And there is no trace file

  @needs-good-sender @needs-trace
  @TRC-3
  Scenario: With the first error there is one
    Given a sender "warehouse" that is let in
    When "warehouse" calls without its intermediate certificates
    Then there is a trace file

  @needs-trace @needs-users
  @TRC-4
  Scenario: A failed logon is traced with the user
    Given a sender "stranger" without a certificate
    And the identity provider has the user "erika" with the password "opensesame"
    When "stranger" calls as "erika" with the password "wrong"
    Then the trace shows "erika"
    And the response status is 401

  @needs-good-sender @needs-trace
  @TRC-5
  Scenario: The subject DN stands in the order of the certificate
    Given a sender "warehouse" that is let in
    When "warehouse" calls without its intermediate certificates
    Then the trace shows the subject DN "C=DE, ST=Bavaria, L=Munich, O=Example, CN=warehouse.example"
