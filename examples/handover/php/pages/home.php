<?php

page('Welcome', '<p>You are signed '.(current_person() ? 'in' : 'out').'.</p>');
