/**
 * Tokens that PyJWT 2.15.1 has made, with keys of Python's cryptography: for alice, of https://id.example, for mqtt, until 2100. The keys were
 * thrown away.
 */
export const INDEPENDENT_TOKENS = [
  {
    algorithm: 'HS256',
    key: 'independent secret of 64 bytes, which is what HS512 needs at least',
    token:
      'eyJhbGciOiJIUzI1NiIsImtpZCI6InMiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.hJBS6OWeiIZ85g9snBvtSOtxvSy-TPXxUoXsnZqEaqs',
  },
  {
    algorithm: 'HS384',
    key: 'independent secret of 64 bytes, which is what HS512 needs at least',
    token:
      'eyJhbGciOiJIUzM4NCIsImtpZCI6InMiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.34eJEtqyZ34r_t0gfb-eO-qo4CNAFyEMtkOUNKO0UnOEF2Q3AAzTvohwFg6T097M',
  },
  {
    algorithm: 'HS512',
    key: 'independent secret of 64 bytes, which is what HS512 needs at least',
    token:
      'eyJhbGciOiJIUzUxMiIsImtpZCI6InMiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.AtD2YilX680n9P7tE46f7hpXJIIJFYIxMygzB4UnFZdHRd_EXKLjBiTWhnv0o8BG89kLtByjFrOIKKNIzkc6SA',
  },
  {
    algorithm: 'RS256',
    key: [
      '-----BEGIN PUBLIC KEY-----',
      'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApbbEXmFplsfSCHsHgBzO',
      'SVYm9U7MVraiZ/2it/lOGmftch1sL1cFySyiihBVJQaQ12EyIhtc4MzdYV+fOKvz',
      'ClfFD5dfnWCFk+/EnINX52V9UCtwn2QmuPCOaU6Zv6UuN3u4J/m8JS8agG0GN1mH',
      '+MFdS4xlFfTyjOYY8SclYV5HjXDxdSoPdUNeLd07lhrMAt7OAyoJTPEQchfdxV7H',
      'jWWp3ApTPOOafKZ5wVc5tf1ZrLO0G8CXNe7WQQEUSN4z7ocr58igcd3AWEOTqMNO',
      '4D+wn37ZCu32uHcbqFE6rgp4vS0nvseHguWocm4cMwBmmYr0X237qZrn8yK1ere2',
      'bwIDAQAB',
      '-----END PUBLIC KEY-----',
    ].join('\n'),
    token:
      'eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.Y3SLRWyMHf14OGx3cntnLuda1DTFPwOwF3YVoP8UsuAD0uPdpRfk1I68iK5oiaqw3LZnpUCN7OCyhI0QPaR_ycpNeZp7H4bLaDPCTWhXObp2rWk4_YhMryQ3N2Fy3R6e0zLggfbkyWOf9OiFmQSVnXymOCrCvj04p1-j_A-qrnC6O3Z3uu38zYQLvASRVASq1CN_FW5BHCxSqM68MzZoXPc-SFYaWn4U2BGcIAsCBpWuvdRAF2QlndOya736poFbaoIA26Y0byb79k8bVgSP65BTKyHFT2ZTmmVzh4MtjjTH7jov_4t2X988_EcWG0QkaqEJGMUYpsGK297rrb0Xkw',
  },
  {
    algorithm: 'RS384',
    key: [
      '-----BEGIN PUBLIC KEY-----',
      'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApbbEXmFplsfSCHsHgBzO',
      'SVYm9U7MVraiZ/2it/lOGmftch1sL1cFySyiihBVJQaQ12EyIhtc4MzdYV+fOKvz',
      'ClfFD5dfnWCFk+/EnINX52V9UCtwn2QmuPCOaU6Zv6UuN3u4J/m8JS8agG0GN1mH',
      '+MFdS4xlFfTyjOYY8SclYV5HjXDxdSoPdUNeLd07lhrMAt7OAyoJTPEQchfdxV7H',
      'jWWp3ApTPOOafKZ5wVc5tf1ZrLO0G8CXNe7WQQEUSN4z7ocr58igcd3AWEOTqMNO',
      '4D+wn37ZCu32uHcbqFE6rgp4vS0nvseHguWocm4cMwBmmYr0X237qZrn8yK1ere2',
      'bwIDAQAB',
      '-----END PUBLIC KEY-----',
    ].join('\n'),
    token:
      'eyJhbGciOiJSUzM4NCIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.Q5XNJ36i9Ecp7hqgRH4_Q_L__BeL5jJ8CqECTYRPq5YjoAG6Il1Aiw71VYgdVRTrBGrsQE85F9XqbG8IqyH9lsAXBaEJEIBeBKi0LGp1Fi07kCrj2Zjnb-UjvaO6ehsHk2w-E2_i5eniEktz9QcdUIuByso9H-ToBBtj6c1T5eAwXadY5rEmrp0UEnMAzRdKydhTGLRrf_Q9l0sOUQMqHJoyWUO-mTbvf7JYHIAn0yv9edJmLWeWWdxZRp6NGbvhAPTLHJJ9RNoBTX7lPQ2X6P_WN2dGbJcFx1pvblYoJ5d6zyAtDOcKmKAUxiiO2PWWlj-wNuxORm3ll2weTghQ6Q',
  },
  {
    algorithm: 'RS512',
    key: [
      '-----BEGIN PUBLIC KEY-----',
      'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApbbEXmFplsfSCHsHgBzO',
      'SVYm9U7MVraiZ/2it/lOGmftch1sL1cFySyiihBVJQaQ12EyIhtc4MzdYV+fOKvz',
      'ClfFD5dfnWCFk+/EnINX52V9UCtwn2QmuPCOaU6Zv6UuN3u4J/m8JS8agG0GN1mH',
      '+MFdS4xlFfTyjOYY8SclYV5HjXDxdSoPdUNeLd07lhrMAt7OAyoJTPEQchfdxV7H',
      'jWWp3ApTPOOafKZ5wVc5tf1ZrLO0G8CXNe7WQQEUSN4z7ocr58igcd3AWEOTqMNO',
      '4D+wn37ZCu32uHcbqFE6rgp4vS0nvseHguWocm4cMwBmmYr0X237qZrn8yK1ere2',
      'bwIDAQAB',
      '-----END PUBLIC KEY-----',
    ].join('\n'),
    token:
      'eyJhbGciOiJSUzUxMiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.fL1cnZuN9jz-jaBNpMMvoK_-YsrEo2ctp_BHqRFdJRnDDu7tXDJQdsvpPUON87oeghphqWauabF7RRHKVonIzlioEMfuQ7Tfofyh-4mUAHSavsKu5Ac-NFsQvqiSSsU-SwTlz_Srh8VM-6jPD6wDyrS7Yd387T5efkOPdJyoZmFFXX7tJHqfobHIBKUtcNQjbOIF-SUmDS-ZkRnK9bgJB0qAkXOOlkFsSd-Z8ZHSNrqmynAJMXsPd4sPLBmeO8Pds3NlQs1cgHfXSRqvwfx5DJj1EzgVss75RmxdmQD4FmsyIP3je4TNS6ZewtdDJ4dBNBdxJ-w9HuhZGAiywvzgig',
  },
  {
    algorithm: 'PS256',
    key: [
      '-----BEGIN PUBLIC KEY-----',
      'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApbbEXmFplsfSCHsHgBzO',
      'SVYm9U7MVraiZ/2it/lOGmftch1sL1cFySyiihBVJQaQ12EyIhtc4MzdYV+fOKvz',
      'ClfFD5dfnWCFk+/EnINX52V9UCtwn2QmuPCOaU6Zv6UuN3u4J/m8JS8agG0GN1mH',
      '+MFdS4xlFfTyjOYY8SclYV5HjXDxdSoPdUNeLd07lhrMAt7OAyoJTPEQchfdxV7H',
      'jWWp3ApTPOOafKZ5wVc5tf1ZrLO0G8CXNe7WQQEUSN4z7ocr58igcd3AWEOTqMNO',
      '4D+wn37ZCu32uHcbqFE6rgp4vS0nvseHguWocm4cMwBmmYr0X237qZrn8yK1ere2',
      'bwIDAQAB',
      '-----END PUBLIC KEY-----',
    ].join('\n'),
    token:
      'eyJhbGciOiJQUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.YCVuqm2D5WQn7c7sViw88wbLnkMOZyj0KVPxj_TUtVqN-d-_Dsr1NRCMwQCZOjSYkhiGYSb_P9eYx8XaYR2RKxndxgAjhREHzbMursPtPdB6IohzGdYOqPgysLUHBscTyv0ibn7DmIGflsDJ_uttK_qHT10w1pUUZkIljl_99-I9FIFR6x7d0579wx4R2xmq-AEq8-FWbErB0xA4efuMcpAzX7pnGRsQqqVTU3N0VysbVWcWUNgTRNsAoUg114r3mdPLQ5WABfENuzun7KDKYFm-xd3pCmZDojOHXfn5m4FaI46yYKeHW7hin9NPiqQaQL3brtMqlzLDa-Tr75vbog',
  },
  {
    algorithm: 'PS384',
    key: [
      '-----BEGIN PUBLIC KEY-----',
      'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApbbEXmFplsfSCHsHgBzO',
      'SVYm9U7MVraiZ/2it/lOGmftch1sL1cFySyiihBVJQaQ12EyIhtc4MzdYV+fOKvz',
      'ClfFD5dfnWCFk+/EnINX52V9UCtwn2QmuPCOaU6Zv6UuN3u4J/m8JS8agG0GN1mH',
      '+MFdS4xlFfTyjOYY8SclYV5HjXDxdSoPdUNeLd07lhrMAt7OAyoJTPEQchfdxV7H',
      'jWWp3ApTPOOafKZ5wVc5tf1ZrLO0G8CXNe7WQQEUSN4z7ocr58igcd3AWEOTqMNO',
      '4D+wn37ZCu32uHcbqFE6rgp4vS0nvseHguWocm4cMwBmmYr0X237qZrn8yK1ere2',
      'bwIDAQAB',
      '-----END PUBLIC KEY-----',
    ].join('\n'),
    token:
      'eyJhbGciOiJQUzM4NCIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.EyCFo_FriSn3zqfoujF-ulfDVWAb9iZ1-mxy28qkjIdhRgth3Ddf3SrBgBWObbzs1f9GlCpWGpoyBpLM-wekIJWI6DewJ3LihnO7skmhmNgINfs9oEvCUB5VRujkjlZjvgQaw_TAtTXOtqVnl5oL67kYXMf3hC9cm6iBCcRVCIDe25QMlJVmAyvqnhipS2PsDYxbC-KVOkLiKbI0MTSOzZG6GjvsAmPSqIbBawdZXcZ2eBdNB5fzzm8ycHvEuvz61lksyp6i7LM8no6v1OYeBOfJiWMdlV3jh5txBGg8iZL5SQsWYiAJvtjowi8qjEqyl5DbyqZHCrwebd6Vo2ohSQ',
  },
  {
    algorithm: 'PS512',
    key: [
      '-----BEGIN PUBLIC KEY-----',
      'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApbbEXmFplsfSCHsHgBzO',
      'SVYm9U7MVraiZ/2it/lOGmftch1sL1cFySyiihBVJQaQ12EyIhtc4MzdYV+fOKvz',
      'ClfFD5dfnWCFk+/EnINX52V9UCtwn2QmuPCOaU6Zv6UuN3u4J/m8JS8agG0GN1mH',
      '+MFdS4xlFfTyjOYY8SclYV5HjXDxdSoPdUNeLd07lhrMAt7OAyoJTPEQchfdxV7H',
      'jWWp3ApTPOOafKZ5wVc5tf1ZrLO0G8CXNe7WQQEUSN4z7ocr58igcd3AWEOTqMNO',
      '4D+wn37ZCu32uHcbqFE6rgp4vS0nvseHguWocm4cMwBmmYr0X237qZrn8yK1ere2',
      'bwIDAQAB',
      '-----END PUBLIC KEY-----',
    ].join('\n'),
    token:
      'eyJhbGciOiJQUzUxMiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.iIdPKd4xxamN4kbSIgyrWMrSkfSw4J-VwCmjeENzCgfBtAtT4l3gujUaRuFUp2gvQzeBw8PRTtazGecddeyBO7P6J9UQWrKPPo9WIzgGAkMzrs2QvV5sE85tyevypTCcVLkFJMDvUMowdVg4Of0lTbF7K_dnNQKyeDkLw10Jf5UTzOTnDniq7ITIaDJFtTZuKiHyWOT3o9uXz07Vv4xjyWxikKF11S1m9pVr90kMY2t44TdPrCUXyZB2jsVBTjIuMiSjGD9LGAFwgAK4h8ppFFekyTlpfSYH3oeZDohcTTDq1mCCGjETs68B0cxBBTSO34nCpo0JTldMrPhtwCHosQ',
  },
  {
    algorithm: 'ES256',
    key: [
      '-----BEGIN PUBLIC KEY-----',
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuhO5Yt2OclGxaPtBofJgyhpBjRao',
      'nuvxCH+712V5Sod0qV+BivNGsI+02vw2VU0Mn8OTWXodIijqMt1j21sIJA==',
      '-----END PUBLIC KEY-----',
    ].join('\n'),
    token:
      'eyJhbGciOiJFUzI1NiIsImtpZCI6IkVTMjU2IiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.QIL9GtV3xtPPiYsiqg7KcEfKhhb16r7tADxskHF_Q62zI1iPo4Sqw3-pGA0_IozdTyNiTNLR-tmCIXeepK5V1Q',
  },
  {
    algorithm: 'ES384',
    key: [
      '-----BEGIN PUBLIC KEY-----',
      'MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE2jCcUmgL8rZ5vUERd7k5TN7ZjwwzddOm',
      'ePxa/8LvMsnvlhVCaBLjNN+eKEafuT/zc6E3eJ3ry8hFBEtpe+CUvIJ2ZmKqhAkP',
      '9HzSx2KAUpg2amMq9IZnPCnOziyG/u4M',
      '-----END PUBLIC KEY-----',
    ].join('\n'),
    token:
      'eyJhbGciOiJFUzM4NCIsImtpZCI6IkVTMzg0IiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.ZAaplGYKbhTLmqz5PyCasdSb6RZ9rqmlYa-9EoJB_D9bu4m7Cmtt-hF6qCdC7-6qkFQlXGxCTAiIFaQPtOEWY-568NiBaY1X_arB1ZzUM5OOl449UrASKgm3ra7PwR33',
  },
  {
    algorithm: 'ES512',
    key: [
      '-----BEGIN PUBLIC KEY-----',
      'MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAPSHASCyPZLXra3AG9+3nc4v+vQKY',
      'QnRz/xj8bltabVdEqNI6cC1/H4ZpvZZV3yIKDEKiNO10yTs33JuWSsflUcIBknOW',
      'K8R3aJcg7OtU1f1IxEc5c/8NW3XOKDsYgSsCojZBv6vx5DfzHue9Wlvnn2kx6o6+',
      '7ZNRAjWsQz9SSP99Ay0=',
      '-----END PUBLIC KEY-----',
    ].join('\n'),
    token:
      'eyJhbGciOiJFUzUxMiIsImtpZCI6IkVTNTEyIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.AYNOrZqF1_mCNmbDxuMlaj81SexlBovhArXxLjeM8OFS9FLhq_ZptZMcx8bQjSOtBPDFwUKHjczv9z1D4aRKt13DAUbUAW9uE-a58C-uJCW4XXWLBVRPMzbNGo0cmR5whm6glOQU9YyeRyKWpI4BAUPm7yDUBNiOtR_09LND9u2DSvYK',
  },
  {
    algorithm: 'EdDSA',
    key: [
      '-----BEGIN PUBLIC KEY-----',
      'MCowBQYDK2VwAyEArB3AH0BeraGDZXTt1hfna79h6PXchPC8bRYo0lQRi4w=',
      '-----END PUBLIC KEY-----',
    ].join('\n'),
    token:
      'eyJhbGciOiJFZERTQSIsImtpZCI6ImUiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSIsImF1ZCI6Im1xdHQiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiY2xpZW50X2lkIjoiZGV2aWNlLTciLCJhY2wiOnsicHViIjpbInQvJHt1c2VybmFtZX0iXSwic3ViIjpbInQvIyJdLCJhbGwiOltdfX0.BZGbgFN4u7TtATpaePqKDv_-MbkDPfup_ONAYcDaD35EbSdq0vHgouIYhv83ZlixI-UoaIe9YI1DSAjiXsJmDA',
  },
] as const;
