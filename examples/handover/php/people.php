<?php
// The people of the site, and the shops that they work for. Everybody's password is "correct horse".
// `blocked`: may connect no apps.

return [
    1 => [
        'id' => 1, 'username' => 'ann', 'name' => 'Ann Archer', 'shops' => [10 => 'owner', 20 => 'member'],
        'password' => '$2y$10$9xKkBjhD5HqSmHS5AqWyKOJ0AZvTH3l1jThs6bDbDQCPUHPHoe3mK',
    ],
    2 => [
        'id' => 2, 'username' => 'ben', 'name' => 'Ben Baker', 'shops' => [20 => 'member'],
        'password' => '$2y$10$/Iw2YYncbWsioGRJRQw.CeJvFRukJoqsd0eLXOFx4Xma7Zgwj21AC',
    ],
    3 => [
        'id' => 3, 'username' => 'cleo', 'name' => 'Cleo Cook', 'shops' => [], 'staff' => true,
        'password' => '$2y$10$TAuWC2s6YxKzMSpqHsd65eWEzVDl4tPUyxc.5cQ.lsISp16oSnhOy',
    ],
    4 => [
        'id' => 4, 'username' => 'dan', 'name' => 'Dan Dyer', 'shops' => [20 => 'member'], 'blocked' => true,
        'password' => '$2y$10$ll4c.L/s2ZUxphgFw/LQm.GHor9eEVcFUV6UXT4Pwz0/qmSXK3vLm',
    ],
];
